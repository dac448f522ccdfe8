"""The logits at which labels begin, and the false-positive rates that they were set for.

They stand on logits: a float32 probability saturates at 1.0 near logit 17, and low
false-positive thresholds with it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """The logit from which on (inclusive) a label holds."""

    logit: float
    false_positive_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The two thresholds that decide a label."""

    suspicious: Threshold
    malicious: Threshold
