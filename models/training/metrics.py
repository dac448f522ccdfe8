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
    ranks = float(_mean_ranks(logits)[labels != 0].sum())
    return (ranks - malicious * (malicious + 1) / 2) / (malicious * benign)


def threshold_at(benign_logits: NDArray[np.float32], false_positive_rate: float) -> float:
    """The lowest threshold at which at most this share of benign rows is at or above it.

    Args:
        benign_logits: float32[n], n at least 1.
        false_positive_rate: Target, 0 to 1.

    Returns:
        A float32 value, one step above the highest benign logit that must stay below.
    """
    return threshold_above(benign_logits, int(np.floor(false_positive_rate * len(benign_logits))))


def threshold_above(logits: NDArray[np.float32], allowed: int) -> float:
    """The lowest threshold at which at most ``allowed`` of the logits are at or above it.

    Args:
        logits: float32[n], n at least 1.
        allowed: 0 or more.

    Returns:
        A float32 value, one step above the highest logit that must stay below.
    """
    if allowed >= len(logits):
        return float(np.min(logits))
    rank = len(logits) - 1 - allowed
    must_stay_below = np.partition(logits, rank)[rank]
    return float(np.nextafter(np.float32(must_stay_below), np.float32(np.inf)))


def area_interval(
    logits: NDArray[np.float32], labels: NDArray[np.int8]
) -> tuple[float, float] | None:
    """95 % interval of the area under the ROC; None where either label has no row.

    DeLong's variance (DeLong et al. 1988, doi 10.2307/2531595) by mean ranks (Sun & Xu 2014),
    taken on the scale of log odds, so that it stays within 0 to 1. Where the area or its variance
    leaves no such scale (labels told apart without a mistake), Wilson's interval of as many trials
    as the rarer label has rows.
    """
    malicious = labels != 0
    positives, negatives = int(malicious.sum()), int((~malicious).sum())
    if not positives or not negatives:
        return None
    ranks = _mean_ranks(logits)
    among_malicious = _mean_ranks(logits[malicious])
    among_benign = _mean_ranks(logits[~malicious])
    beaten = (ranks[malicious] - among_malicious) / negatives
    beating = 1 - (ranks[~malicious] - among_benign) / positives
    area = float(beaten.mean())
    variance = float(
        (beaten.var(ddof=1) / positives if positives > 1 else 0)
        + (beating.var(ddof=1) / negatives if negatives > 1 else 0)
    )
    if not 0 < area < 1 or not variance:
        rarer = min(positives, negatives)
        return wilson_interval(area * rarer, rarer)
    middle = math.log(area / (1 - area))
    half = Z_95 * math.sqrt(variance) / (area * (1 - area))
    return 1 / (1 + math.exp(-(middle - half))), 1 / (1 + math.exp(-(middle + half)))


def _mean_ranks(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Ranks float64[n] from 1, equal values sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_rank: NDArray[np.float64] = np.cumsum(counts) - (counts - 1) / 2
    return mean_rank[inverse]


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


def wilson_interval(count: float, of: int) -> tuple[float, float]:
    """95 % interval of a share by its score (Wilson 1927, doi 10.2307/2276774).

    Unlike the usual interval it stays within 0 to 1 and says something at a count of 0.

    Args:
        count: Successes, 0 to ``of``; need not be whole.
        of: Trials, at least 1.
    """
    share, spread = count / of, Z_95**2 / of
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(spread * share * (1 - share) + spread**2 / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
