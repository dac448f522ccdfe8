"""What a logit means as a probability, under a stated prior.

A network trained on a third of malicious rows gives logits as if a third of the world were
malicious. `Calibration` corrects scale and offset, and says for which share of malicious events
(the prior) its scores are right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """``score = sigmoid(scale * logit + offset)``, in float64.

    Strictly monotone in the logit until float64 runs out of digits near 1, so scores and logits
    put texts in the same order. Labels are decided on logits, not here.

    Attributes:
        scale: Above 0.
        offset: Added after scaling.
        prior: Share of malicious events at which a score of 0.9 is right nine times in ten.

    Raises:
        ValueError: a number is not finite, ``scale`` not above 0, or ``prior`` not between 0 and 1.
    """

    scale: float = 1.0
    offset: float = 0.0
    prior: float = 0.5

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"scale has value {self.scale!r}; give a finite number above 0")
        if not math.isfinite(self.offset):
            raise ValueError(f"offset has value {self.offset!r}; give a finite number")
        if not 0 < self.prior < 1:
            raise ValueError(f"prior has value {self.prior!r}; give a share between 0 and 1")

    def scores(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probabilities float64[n] of logits [n], 0 to 1; no logit overflows.

        >>> Calibration(scale=2.0, offset=-1.0).scores(np.array([-1000.0, 0.5])).tolist()
        [0.0, 0.5]
        """
        return sigmoid(self.scale * logits.astype(np.float64) + self.offset)

    def rebased(self, prior: float) -> Calibration:
        """The same evidence under another share of malicious events.

        By Bayes' rule the odds of the prior are exchanged and the logit's part stays:
        ``offset + log(p' / (1 - p')) - log(p / (1 - p))``.

        Raises:
            ValueError: ``prior`` is not between 0 and 1.
        """
        if not 0 < prior < 1:
            raise ValueError(f"prior has value {prior!r}; give a share between 0 and 1")
        return Calibration(
            scale=self.scale,
            offset=self.offset + log_odds(prior) - log_odds(self.prior),
            prior=prior,
        )

    def as_json(self) -> dict[str, float]:
        """For manifests and reports."""
        return {"scale": self.scale, "offset": self.offset, "prior": self.prior}


def sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logistic function of float64 values; no value overflows."""
    decay = np.exp(-np.abs(values))
    return np.where(values >= 0, 1.0, decay) / (1.0 + decay)


def log_odds(share: float) -> float:
    """``log(share / (1 - share))``, for a share between 0 and 1."""
    return math.log(share) - math.log1p(-share)
