"""How many rows at once fit in the memory of what evaluates them, learnt from what did not."""

from __future__ import annotations

import sys

# A batch goes in whole again a while after memory ran out, in case it was somebody else who took
# it; one try in a hundred batches that fails costs a hundredth.
PATIENCE = 100


class Capacity:
    """State machine: no limit; after memory ran out, a limit that doubles until it is none again.

    Args:
        patience: Batches that succeed before the limit doubles.
    """

    def __init__(self, patience: int = PATIENCE) -> None:
        self._patience = patience
        self._rows = sys.maxsize
        self._too_many = sys.maxsize
        self._good = 0

    @property
    def rows(self) -> int:
        """Most rows to try at once."""
        return self._rows

    def exhausted(self, rows: int, *, fits: int) -> None:
        """``rows`` did not fit, ``fits`` at a time did."""
        self._rows = max(1, fits)
        self._too_many = rows
        self._good = 0

    def succeeded(self) -> None:
        """A batch passed."""
        if self._rows == sys.maxsize:
            return
        self._good += 1
        if self._good < self._patience:
            return
        self._good = 0
        self._rows *= 2
        if self._rows >= self._too_many:
            self._rows = sys.maxsize
