"""Which rows make up the batches of an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """How an epoch is cut into batches.

    Attributes:
        size: Rows a batch.
        seed: With the number of the epoch it fixes order and augmentation.
    """

    size: int = 1024
    seed: int = 0

    def steps(self, rows: int) -> int:
        """Batches an epoch; a last batch that is not full is left for another order."""
        return max(1, rows // self.size)

    def epoch(
        self, rows: int, number: int
    ) -> Iterator[tuple[NDArray[np.int64], np.random.Generator]]:
        """Batches of one epoch: numbers of their rows, and what draws for the batch.

        The generator stands where it would stand in any other run of the epoch, so what is drawn
        from it does not depend on what was done before.
        """
        generator = np.random.default_rng((self.seed, number))
        order = generator.permutation(rows)
        for step in range(self.steps(rows)):
            yield order[step * self.size : (step + 1) * self.size], generator
