"""Small random networks, an artefact of one, and the network's definition in plain loops."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import artefact
from models.artefact.precision import FLOAT32, MIXED, Stored, computed, narrowed
from models.calibration import Calibration
from models.characters.architecture import CharacterConvolutions
from models.characters.codes import CharacterCodes
from models.detectors import URL
from models.engines.tables import TablesEngine
from models.thresholds import Threshold, Thresholds
from models.training.golden import golden_texts
from models.url.featuriser import UrlFeaturiser
from models.url.normaliser import ALPHABET

Tensors = dict[str, NDArray[np.float32]]

WIDTH = 120
SMALL = CharacterConvolutions(alphabet=ALPHABET, embedding=6, filters=8, dense=(12, 10))
GRAMS = CharacterConvolutions(
    alphabet=ALPHABET,
    embedding=3,
    filter_widths=(2, 3),
    filters=4,
    gram_orders=(2, 3, 6),
    gram_buckets=256,
    gram_units=5,
    dense=(6,),
)
SIZES = {
    "small": SMALL,
    "one filter width": CharacterConvolutions(
        alphabet=ALPHABET, embedding=3, filter_widths=(3,), filters=5, dense=(4,)
    ),
    "width one and wide": CharacterConvolutions(
        alphabet=ALPHABET, embedding=2, filter_widths=(1, 7), filters=3, dense=(5, 4, 3)
    ),
    "no dense layers": CharacterConvolutions(
        alphabet=ALPHABET, embedding=4, filter_widths=(2, 5), filters=4, dense=()
    ),
    "unscaled": CharacterConvolutions(
        alphabet=ALPHABET, embedding=3, filters=4, dense=(6,), pooling_scale=1.0
    ),
    "n-grams": GRAMS,
    "n-grams in one bucket": CharacterConvolutions(
        alphabet=ALPHABET,
        embedding=2,
        filter_widths=(4,),
        filters=3,
        gram_orders=(2,),
        gram_buckets=1,
        gram_units=2,
        dense=(),
    ),
}
CALIBRATION = Calibration(scale=0.75, offset=-1.5, prior=0.01)
THRESHOLDS = Thresholds(
    suspicious=Threshold(logit=0.5, false_positive_rate=0.01),
    malicious=Threshold(logit=1.5, false_positive_rate=0.001),
)
TEXTS = [
    "",
    "a",
    "https://example.com/",
    "HTTP://EXAMPLE.COM:8080/A?B=C#D",
    "http://192.0.2.1/x.exe",
    "http://192.0.2.1:8080/",
    "ftp://user:word@www.example.com:443/%4cogin/?",
    "https://b\u00fccher.example/\u30ed\u30b0\u30a4\u30f3",
    "tab\tand\x00nul\x7f",
    "lone \ud800 surrogate",
    "x" * (WIDTH - 1),
    "y" * WIDTH,
    "z/" * WIDTH,
]


def random_tensors(sizes: CharacterConvolutions, seed: int = 0) -> Tensors:
    """Weights of about the size that keeps activations about 1."""
    generator = np.random.default_rng(seed)
    return {
        name: (
            generator.standard_normal(shape) / sqrt(max(1, prod(shape[:-1])))
            if name.endswith("kernel")
            else generator.standard_normal(shape) / 2
        ).astype(np.float32)
        for name, shape in sizes.shapes().items()
    }


def featurise(texts: Sequence[str], width: int = WIDTH) -> CharacterCodes:
    return UrlFeaturiser(width=width)(texts)


def defined_logits(
    sizes: CharacterConvolutions, tensors: Tensors, features: CharacterCodes
) -> NDArray[np.float64]:
    """The network as it is defined, in float64, a text and a position at a time."""
    return np.array(
        [
            _defined_logit(sizes, tensors, codes[:seen])
            for codes, seen in zip(features.codes, features.seen, strict=True)
        ],
        np.float64,
    )


def _defined_logit(
    sizes: CharacterConvolutions, tensors: Tensors, codes: NDArray[np.uint8]
) -> float:
    weights = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    embedded = weights["embedding/embeddings"][codes]
    pooled = []
    for width in sizes.filter_widths:
        before = (width - 1) // 2
        around = np.pad(embedded, ((before, width - 1 - before), (0, 0)))
        total = np.zeros(sizes.filters)
        for position in range(len(codes)):
            window = around[position : position + width]
            summed = np.einsum("je,jef->f", window, weights[f"convolution_{width}/kernel"])
            total += np.maximum(summed + weights[f"convolution_{width}/bias"], 0)
        pooled.append(total * sizes.pooling_scale)
    if sizes.gram_buckets:
        buckets = [
            bucket
            for order in sizes.gram_orders
            for bucket in defined_buckets(codes.tolist(), order, sizes.gram_buckets)
        ]
        total = np.zeros(sizes.gram_units)
        for bucket in buckets:
            total += weights["grams/vectors"][bucket]
        pooled.append(total / sqrt(max(1, len(buckets))))
    hidden = np.concatenate(pooled)
    for number in range(1, len(sizes.dense) + 1):
        layer = hidden @ weights[f"dense_{number}/kernel"] + weights[f"dense_{number}/bias"]
        hidden = np.maximum(layer, 0)
    return float((hidden @ weights["logit/kernel"] + weights["logit/bias"])[0])


def defined_buckets(codes: list[int], order: int, buckets: int) -> list[int]:
    """The hash of `models.characters.grams` in whole numbers without end.

    A text without codes has no n-grams, though two markers stand around it.
    """
    marked = [255, *codes, 255] if codes else []
    found = []
    for first in range(len(marked) - order + 1):
        h = order
        for code in marked[first : first + order]:
            h = (h * 16777619 + code) % 2**32
        h ^= h // 2**15
        h = h * 739982445 % 2**32
        h ^= h // 2**12
        found.append(h % buckets)
    return found


def save_artefact(
    folder: Path,
    sizes: CharacterConvolutions = SMALL,
    *,
    seed: int = 0,
    width: int = WIDTH,
    precision: str = "float32",
    version: int = 7,
) -> Tensors:
    """Write an artefact of a random network; returns its weights as they are computed with."""
    stored: Stored = random_tensors(sizes, seed)
    if precision != FLOAT32:
        stored = narrowed(random_tensors(sizes, seed), sizes.tables if precision == MIXED else ())
    tensors = computed(stored)
    texts = golden_texts(width)
    logits = TablesEngine(sizes, tensors).logits(featurise(texts, width))
    artefact.save(
        folder,
        detector=URL,
        name="url",
        version=version,
        sizes=sizes,
        featuriser=UrlFeaturiser(width=width),
        calibration=CALIBRATION,
        thresholds=THRESHOLDS,
        tensors=stored,
        golden=list(zip(texts, logits.tolist(), strict=True)),
        history={"created_at": "2026-01-02T03:04:05+00:00"},
    )
    return tensors
