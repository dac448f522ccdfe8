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


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What makes a probability of a logit: ``score = sigmoid(scale * logit + offset)``.

    Attributes:
        scale: Above 0, so that scores rise with logits.
        offset: Added to the scaled logit.
        prior: Share of malicious subjects, 0 to 1, under which the score is a probability.

    Raises:
        ValueError: ``scale`` is not above 0, ``prior`` not between 0 and 1, or one not finite.
    """

    scale: float = 1.0
    offset: float = 0.0
    prior: float = 0.5

    def __post_init__(self) -> None:
        if not (isfinite(self.scale) and self.scale > 0 and isfinite(self.offset)):
            raise ValueError(f"The scale must be above 0, scale and offset finite: {self}")
        if not 0 < self.prior < 1:
            raise ValueError(f"The prior must lie between 0 and 1: {self}")


UNCALIBRATED = Calibration()
"""The logistic function of the logit as it is."""


def scores(
    logits: NDArray[np.floating], calibration: Calibration = UNCALIBRATED
) -> NDArray[np.float64]:
    """Scores of n logits, 0 to 1: the logistic function of the calibrated logits, in float64.

    They rise strictly with the logits until float64 has no more digits: 1.0 is reached at a
    calibrated logit of 37; in float32 it would be at 17. No logit overflows.

    >>> scores(np.array([-1000.0, 0.0, 20.0])).tolist()
    [0.0, 0.5, 0.9999999979388463]
    >>> scores(np.array([1.5]), Calibration(scale=2.0, offset=-3.0, prior=0.01)).tolist()
    [0.5]
    """
    with np.errstate(over="ignore"):  # an infinite sum has a score as well
        exact = calibration.scale * logits.astype(np.float64) + calibration.offset
    decay = np.exp(-np.abs(exact))
    return np.where(exact >= 0, 1.0, decay) / (1.0 + decay)
