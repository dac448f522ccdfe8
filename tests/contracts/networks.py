"""What the engines' suite needs of each kind of network: weights, subjects, and its definition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.detectors import HTML, URL, Detector
from models.engines.contract import Engine
from models.features import Features, Featuriser
from models.html.architecture import InspectorSizes
from models.html.featuriser import PageFeaturiser
from models.sizes import Sizes
from models.url.featuriser import UrlFeaturiser
from tests.models import networks
from tests.models.html import reference

URL_LENGTHS = (
    *(0, 1, 2, 3, 47, 48, 49, 95, 96, 97),
    *(networks.WIDTH - 1, networks.WIDTH, networks.WIDTH + 1, 3 * networks.WIDTH),
)


@dataclass(frozen=True, kw_only=True)
class Network:
    """A small network of chance weights.

    Attributes:
        detector: Whose it is.
        sizes: Of the network.
        tensors: Its weights.
        featuriser: Of its subjects.
        odd: Subjects that are unlike each other, by what is odd about them.
        many: Gives any number of subjects, the same first ones whatever the number.
        define: Logits float64[n] of features by the network's definition, in plain loops.
        largest: Subjects of a batch at most.
        traced: "module:class" of a layer, whose Python code runs when Keras traces the network.
    """

    detector: Detector
    sizes: Sizes
    tensors: dict[str, NDArray[np.float32]]
    featuriser: Featuriser
    odd: Sequence[Any]
    many: Callable[[int], Sequence[Any]]
    define: Callable[[Any], NDArray[np.float64]]
    largest: int
    traced: str

    def engine(self, name: str) -> Engine:
        return self.detector.engine(name, self.sizes, self.tensors, self.featuriser)

    def features(self, subjects: Sequence[Any]) -> Features:
        return self.featuriser(subjects)


def _many_urls(rows: int) -> list[str]:
    lengths = np.random.default_rng(0).choice(URL_LENGTHS, 5000)[:rows]
    return [
        (f"example.com/{number}/" * 30)[:length] for number, length in enumerate(lengths.tolist())
    ]


def _many_pages(rows: int) -> list[bytes]:
    pages = list(reference.PAGES.values())
    return [pages[row % len(pages)][: 40 + row * 7] for row in range(rows)]


def _of_urls(sizes: CharacterConvolutions) -> Network:
    tensors = networks.random_tensors(sizes)
    return Network(
        detector=URL,
        sizes=sizes,
        tensors=tensors,
        featuriser=UrlFeaturiser(width=networks.WIDTH),
        odd=networks.TEXTS,
        many=_many_urls,
        define=lambda features: networks.defined_logits(sizes, tensors, features),
        largest=2000,
        traced="models.characters.network:TextMask",
    )


def _of_pages(sizes: InspectorSizes) -> Network:
    tensors = reference.random_tensors(sizes)
    return Network(
        detector=HTML,
        sizes=sizes,
        tensors=tensors,
        featuriser=PageFeaturiser(),
        odd=list(reference.PAGES.values()),
        many=_many_pages,
        define=lambda features: np.array(
            [reference.defined_logit(sizes, tensors, counts) for counts in features.counts]
        ),
        largest=330,
        traced="models.html.network:WindowMeans",
    )


EVERY = {
    **{f"url, {name}": _of_urls(sizes) for name, sizes in networks.SIZES.items()},
    **{f"html, {name}": _of_pages(sizes) for name, sizes in reference.SIZES.items()},
}
CHOSEN = ("url, small", "url, n-grams", "html, small")
"""One of each kind, for tests that need many batches."""
