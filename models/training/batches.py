"""Training batches of texts of like length, so that little padding is computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.characters.codes import CharacterCodes

WIDTH_STEP = 16
POOL_BATCHES = 16
# Codes of printable ASCII are the characters themselves (`models.url.featuriser`).
_LOWERED = np.arange(256, dtype=np.uint8)
_LOWERED[ord("A") : ord("Z") + 1] += ord("a") - ord("A")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """How an epoch is cut into batches.

    Attributes:
        size: Rows a batch.
        seed: With the number of the epoch it fixes order and augmentation.
        lower_case: Share of rows shown in lower case. Some telemetry is lower-cased on its way,
            and a network that never saw such rows takes the missing capitals for a sign.
    """

    size: int = 1024
    seed: int = 0
    lower_case: float = 0.2

    def steps(self, rows: int) -> int:
        """Batches an epoch; a last batch that is not full is left for another order."""
        return max(1, rows // self.size)

    def epoch(
        self, features: CharacterCodes, labels: NDArray[np.int8], number: int
    ) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float32]]]:
        """Batches of one epoch: int32[size, positions] codes and float32[size, 1] labels.

        Rows are shuffled, sorted by length within pools of ``POOL_BATCHES`` batches, and the
        batches of all pools shuffled again.
        """
        generator = np.random.default_rng((self.seed, number))
        order = generator.permutation(len(features))
        pool = self.size * POOL_BATCHES
        batches = [
            by_length[start : start + self.size]
            for first in range(0, len(order), pool)
            for by_length in [_sorted_by_length(order[first : first + pool], features.seen)]
            for start in range(0, len(by_length), self.size)
        ]
        batches = [batch for batch in batches if len(batch) == self.size] or batches[:1]
        for number_of_batch in generator.permutation(len(batches)):
            rows = batches[number_of_batch]
            width = padded_width(int(features.seen[rows].max()), features.codes.shape[1])
            codes = features.codes[rows, :width]
            lowered = generator.random(len(rows)) < self.lower_case
            codes[lowered] = _LOWERED[codes[lowered]]
            yield codes.astype(np.int32), labels[rows, None].astype(np.float32)


def padded_width(longest: int, width: int) -> int:
    """The next multiple of ``WIDTH_STEP``, at most the featuriser's width."""
    return min(width, max(WIDTH_STEP, -(-longest // WIDTH_STEP) * WIDTH_STEP))


def _sorted_by_length(rows: NDArray[np.int64], seen: NDArray[np.int32]) -> NDArray[np.int64]:
    return rows[np.argsort(seen[rows], kind="stable")]
