"""Training batches of pages: whole ones, and crops of them, so that length says nothing.

Malicious pages are shorter than benign ones in any collection, and a network that learned it
calls short pages malicious. So most pages are shown cut to a stretch of their tokens, at random
and alike for both labels; a crop is what the featuriser would make of the stretch's bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from models.html.features import PageFeatures
from models.html.featuriser import tokens_of
from models.html.tokens import BINS, PIECES, count_found

# Counts of 256 pages take 16 MiB in float32.
SCORING_ROWS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class CropPlan:
    """How an epoch of pages is cut into batches.

    Attributes:
        size: Pages a batch.
        seed: With the number of the epoch it fixes rows and crops.
        malicious: Share of malicious pages in batches. Rows are drawn with replacement, so that
            the fewer malicious pages of a collection come round oftener.
        whole: Share of pages shown whole.
        shortest: Tokens that a crop has at least; pages with fewer are shown whole. The length of
            a crop is drawn log-uniformly from here to the page's.
    """

    size: int = 128
    seed: int = 0
    malicious: float = 0.3
    whole: float = 0.3
    shortest: int = 100


class CroppedPages:
    """Pages to train on, as the bins of their tokens: two bytes a token.

    Args:
        pages: n pages, which are not kept.
        labels: int8[n], 0 benign, 1 malicious; both must occur.
        plan: How they become batches.
        targets: float32[n], what is to be learned; None for the labels.
    """

    def __init__(
        self,
        pages: Sequence[bytes],
        labels: NDArray[np.int8],
        *,
        plan: CropPlan,
        targets: NDArray[np.float32] | None = None,
    ) -> None:
        self._bins = [tokens_of(page)[2] for page in pages]
        self._targets = labels.astype(np.float32) if targets is None else targets
        self._plan = plan
        self._by_label = [np.flatnonzero(labels == 0), np.flatnonzero(labels != 0)]

    def steps(self) -> int:
        """Batches an epoch, which has about as many rows as there are pages."""
        return max(1, len(self._bins) // self._plan.size)

    def epoch(self, number: int) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Batches of one epoch: counts float32[size, 16, 1024] and targets float32[size, 1].

        The same for the same plan and number, whatever epochs were drawn before.
        """
        generator = np.random.default_rng((self._plan.seed, number))
        for _ in range(self.steps()):
            rows = self._draw(generator)
            counts = np.zeros((len(rows), PIECES, BINS), np.uint16)
            for of_page, row in zip(counts, rows.tolist(), strict=True):
                count_found(self._crop(self._bins[row], generator), of_page)
            yield counts.astype(np.float32), self._targets[rows, None]

    def _draw(self, generator: np.random.Generator) -> NDArray[np.int64]:
        malicious = generator.random(self._plan.size) < self._plan.malicious
        rows = np.empty(self._plan.size, np.int64)
        for label, of_label in enumerate(self._by_label):
            chosen = malicious == bool(label)
            rows[chosen] = generator.choice(of_label, int(chosen.sum()))
        return rows

    def _crop(self, bins: NDArray[np.uint16], generator: np.random.Generator) -> NDArray[np.uint16]:
        if generator.random() < self._plan.whole or len(bins) <= self._plan.shortest:
            return bins
        length = int(np.exp(generator.uniform(np.log(self._plan.shortest), np.log(len(bins)))))
        start = int(generator.integers(0, len(bins) - length + 1))
        return bins[start : start + length]


def logits(network: keras.Model, features: PageFeatures) -> NDArray[np.float32]:
    """Logits float32[n] of whole pages by the network that is being trained."""
    given = np.empty(len(features), np.float32)
    for start in range(0, len(features), SCORING_ROWS):
        rows = slice(start, start + SCORING_ROWS)
        given[rows] = network.predict_on_batch(features.counts[rows].astype(np.float32))[:, 0]
    return given
