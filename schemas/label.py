"""What a logit means: labels, the thresholds between them, and the score."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

import numpy as np
from numpy.typing import NDArray


class Label(StrEnum):
    """What a verdict says, from harmless to harmful."""

    BENIGN = "benign"
    SUSPICIOUS = "suspicious"
    MALICIOUS = "malicious"

    @property
    def severity(self) -> int:
        """0 for benign, 1 for suspicious, 2 for malicious; compare these, not the names."""
        return LABELS.index(self)


LABELS = tuple(Label)
"""Labels by severity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The logits from which on (inclusive) a verdict is suspicious, and malicious.

    They stand on the logit and not on the score, for the score runs out of digits near 1.

    Raises:
        ValueError: a threshold is not finite, or ``suspicious`` lies above ``malicious``.
    """

    suspicious: float
    malicious: float

    def __post_init__(self) -> None:
        if not (isfinite(self.suspicious) and isfinite(self.malicious)):
            raise ValueError(f"Thresholds must be finite: {self}")
        if self.suspicious > self.malicious:
            raise ValueError(f"The suspicious threshold lies above the malicious one: {self}")

    def severities(self, logits: NDArray[np.floating]) -> NDArray[np.int8]:
        """Severities (indexes into `LABELS`) of n logits: int8[n].

        Compared in float64, as a reader of the verdict's JSON would: numpy would round the
        thresholds to a float32 array's type.
        """
        exact = logits.astype(np.float64)
        return (exact >= self.suspicious).astype(np.int8) + (exact >= self.malicious)


def scores(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Scores of n logits, 0 to 1: the logistic function in float64.

    It reaches 1.0 at a logit of 37; in float32 it would at 17. No logit overflows.

    >>> scores(np.array([-1000.0, 0.0, 20.0])).tolist()
    [0.0, 0.5, 0.9999999979388463]
    """
    exact = logits.astype(np.float64)
    decay = np.exp(-np.abs(exact))
    return np.where(exact >= 0, 1.0, decay) / (1.0 + decay)
