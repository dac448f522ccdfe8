"""Receiver operating characteristic of logits: area, detection at a false-positive rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FALSE_POSITIVE_RATES = (1e-2, 1e-3, 1e-4)
# Standard normal quantile of a two-sided interval of 95 %.
Z_95 = 1.959963984540054


def area_under_roc(logits: NDArray[np.float32], labels: NDArray[np.int8]) -> float:
    """Chance that a malicious row has a higher logit than a benign one, ties counting half.

    The Mann-Whitney statistic on mean ranks. NaN where either label has no row.
    """
    malicious = int(np.count_nonzero(labels))
    benign = len(labels) - malicious
    if not malicious or not benign:
        return float("nan")
    _, inverse, counts = np.unique(logits, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean_rank = last - (counts - 1) / 2
    ranks = float(mean_rank[inverse][labels != 0].sum())
    return (ranks - malicious * (malicious + 1) / 2) / (malicious * benign)


def threshold_at(benign_logits: NDArray[np.float32], false_positive_rate: float) -> float:
    """The lowest threshold at which at most this share of benign rows is at or above it.

    Args:
        benign_logits: float32[n], n at least 1.
        false_positive_rate: Target, 0 to 1.

    Returns:
        A float32 value, one step above the highest benign logit that must stay below.
    """
    allowed = int(np.floor(false_positive_rate * len(benign_logits)))
    if allowed >= len(benign_logits):
        return float(np.min(benign_logits))
    must_stay_below = np.partition(benign_logits, len(benign_logits) - 1 - allowed)[
        len(benign_logits) - 1 - allowed
    ]
    return float(np.nextafter(np.float32(must_stay_below), np.float32(np.inf)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How well logits tell malicious rows from benign ones.

    ``detection`` maps a false-positive rate to the share of malicious rows at or above the
    threshold that these very benign rows set for it.
    """

    benign: int
    malicious: int
    area: float
    detection: dict[float, float]


def figures(logits: NDArray[np.float32], labels: NDArray[np.int8]) -> Figures:
    """Measure logits float32[n] against labels int8[n] (0 benign, 1 malicious)."""
    benign = logits[labels == 0]
    malicious = logits[labels != 0]
    return Figures(
        benign=len(benign),
        malicious=len(malicious),
        area=area_under_roc(logits, labels),
        detection={
            rate: float(np.mean(malicious >= threshold_at(benign, rate)))
            if len(benign) and len(malicious)
            else float("nan")
            for rate in FALSE_POSITIVE_RATES
        },
    )


def wilson_interval(count: int, of: int) -> tuple[float, float]:
    """95 % interval of a share by its score (Wilson 1927, doi 10.2307/2276774).

    Unlike the usual interval it stays within 0 to 1 and says something at a count of 0.

    Args:
        count: Successes, 0 to ``of``.
        of: Trials, at least 1.
    """
    share, spread = count / of, Z_95**2 / of
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(spread * share * (1 - share) + spread**2 / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
