"""From logits to labels and scores.

Labels are decided on logits: a float32 probability saturates at 1.0 near logit 17 and would make
low false-positive thresholds meaningless. Scores are for people, in float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LABELS = ("benign", "suspicious", "malicious")


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A logit at or above which a label holds, and the false-positive rate it was set for."""

    logit: float
    false_positive_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The two thresholds that decide a label."""

    suspicious: Threshold
    malicious: Threshold

    def levels(self, logits: NDArray[np.float32]) -> NDArray[np.int8]:
        """Index into ``LABELS`` for each logit: int8[n]."""
        return np.searchsorted(
            np.array([self.suspicious.logit, self.malicious.logit]),
            logits.astype(np.float64),
            side="right",
        ).astype(np.int8)


def scores(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logistic function in float64: float64[n], strictly between 0 and 1 up to logit 36."""
    wide = logits.astype(np.float64)
    # Both branches keep the exponent at or below 0, so nothing overflows.
    small = np.exp(-np.abs(wide))
    return np.where(wide >= 0, 1 / (1 + small), small / (1 + small))
