"""What a baseline is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Baseline(Protocol):
    """A plain method that gives logits, as a network does."""

    @property
    def name(self) -> str:
        """For tables and pictures."""
        ...

    def fit(self, subjects: Sequence[Any], labels: NDArray[np.int8]) -> None:
        """Learn from n texts, or pages, and labels int8[n]; the same rows give the same."""
        ...

    def logits(self, subjects: Sequence[Any]) -> NDArray[np.float32]:
        """Logits float32[n] of n texts, or pages; higher is more malicious."""
        ...
