"""Counts of rare events: how many may be seen before a rate is in doubt.

Exact (Clopper & Pearson 1934, doi 10.2307/2331986), since counts near 0 decide here.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

# One-sided: a rate that holds with 95 % confidence.
DOUBT = 0.05
# Halvings of the interval 0 to 1, beyond what float64 tells apart near a rate of 1e-4.
_HALVINGS = 60


def most_for(rate: float, of: float, doubt: float = DOUBT) -> int | None:
    """The largest count of ``of`` trials whose one-sided upper bound is at most ``rate``.

    The bound is at most ``rate`` just where so few successes, or fewer, would come about with a
    chance of ``doubt`` or less at a true rate of ``rate``.

    Args:
        rate: Between 0 and 1.
        of: Trials; need not be whole (rows that go together count for less).
        doubt: One less the confidence.

    Returns:
        The count; None where even a count of 0 leaves the rate in doubt.
    """
    chances = _log_distribution(math.floor(rate * of), of, rate)
    within = int(np.searchsorted(chances, math.log(doubt), "right"))
    return within - 1 if within else None


def upper_bound(count: int, of: float, doubt: float = DOUBT) -> float:
    """One-sided upper bound of a rate, from ``count`` of ``of`` trials; 1 of no trials."""
    if count >= of:
        return 1.0
    low, high = count / of, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _log_distribution(count, of, middle)[-1] > math.log(doubt):
            low = middle
        else:
            high = middle
        if not low < (low + high) / 2 < high:
            break
    return high


def _log_distribution(most: int, of: float, rate: float) -> NDArray[np.float64]:
    """Logarithms of the chance of at most 0, 1, ... ``most`` of ``of``, each with chance rate."""
    counts = np.arange(most, dtype=np.float64)
    ratios = np.log((of - counts) / (counts + 1)) + math.log(rate) - math.log1p(-rate)
    single = of * math.log1p(-rate) + np.concatenate([[0.0], np.cumsum(ratios)])
    total: NDArray[np.float64] = np.logaddexp.accumulate(single)
    return total
