"""Chooses the published thresholds on validation rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.artefact import GOLDEN_TOLERANCE
from models.thresholds import Threshold, Thresholds
from models.training.metrics import threshold_at

MALICIOUS_RATE = 1e-3
SUSPICIOUS_RATE = 1e-2


def choose_thresholds(benign_logits: NDArray[np.float32]) -> Thresholds:
    """Thresholds at which no more than the published shares of benign rows are flagged.

    They hold on every engine that passes the golden vectors: such an engine may give logits
    larger by `GOLDEN_TOLERANCE`, so the thresholds stand that much higher.

    Args:
        benign_logits: float32[n], n at least 1.
    """
    return Thresholds(
        suspicious=_threshold(benign_logits, SUSPICIOUS_RATE),
        malicious=_threshold(benign_logits, MALICIOUS_RATE),
    )


def _threshold(benign_logits: NDArray[np.float32], rate: float) -> Threshold:
    logit = np.float32(threshold_at(benign_logits, rate) + GOLDEN_TOLERANCE)
    # Rounding to float32 may have gone down.
    return Threshold(logit=float(np.nextafter(logit, np.float32(np.inf))), false_positive_rate=rate)
