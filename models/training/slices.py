"""Figures of some of the rows: how far apart their labels are, and what thresholds do to them.

Two questions are answered, and they differ. *Detection at a false-positive rate* sets the
threshold by the very benign rows that it is measured on, and so compares models. *At a published
threshold* is what a user of the artefact would have seen on these rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.thresholds import Threshold, Thresholds
from models.training.metrics import (
    FALSE_POSITIVE_RATES,
    area_interval,
    area_under_roc,
    threshold_at,
    wilson_interval,
)

# What slices of lower-cased rows are called by.
LOWER_CASED = "lower-cased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """``count`` of ``of`` rows."""

    count: int
    of: int

    @property
    def share(self) -> float | None:
        """As a number of 0 to 1; None of no rows."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval (Wilson); None of no rows."""
        return wilson_interval(self.count, self.of) if self.of else None

    def as_json(self) -> dict[str, object]:
        """For manifests and reports."""
        return {
            "count": self.count,
            "of": self.of,
            "share": self.share,
            "interval": None if self.interval is None else list(self.interval),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a published threshold does to some rows.

    Attributes:
        threshold: The published one.
        false_positives: Benign rows at or above it.
        detected: Malicious rows at or above it.
    """

    threshold: Threshold
    false_positives: Share
    detected: Share

    def as_json(self) -> dict[str, object]:
        """For manifests and reports."""
        return {
            "logit": self.threshold.logit,
            "false_positives": self.false_positives.as_json(),
            "detected": self.detected.as_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Figures of some of the rows.

    Attributes:
        name: Of the slice.
        benign: Rows.
        malicious: Rows.
        area: Under the ROC; None where a label has no row.
        area_interval: 95 % (DeLong).
        detection: Malicious rows at or above the threshold that the slice's own benign rows set
            for a false-positive rate; empty where a label has no row.
        at_suspicious: At the published threshold of that label.
        at_malicious: At the published threshold of that label.
    """

    name: str
    benign: int
    malicious: int
    area: float | None
    area_interval: tuple[float, float] | None
    detection: dict[float, Share]
    at_suspicious: Outcome
    at_malicious: Outcome

    def as_json(self) -> dict[str, object]:
        """For manifests and reports."""
        return {
            "benign": self.benign,
            "malicious": self.malicious,
            "area": self.area,
            "area_interval": None if self.area_interval is None else list(self.area_interval),
            "detection": {str(rate): share.as_json() for rate, share in self.detection.items()},
            "at": {
                "suspicious": self.at_suspicious.as_json(),
                "malicious": self.at_malicious.as_json(),
            },
        }


def measure(
    name: str, logits: NDArray[np.float32], labels: NDArray[np.int8], thresholds: Thresholds
) -> Slice:
    """Measure n rows.

    Args:
        name: Of the slice.
        logits: float32[n].
        labels: int8[n], 0 benign, 1 malicious.
        thresholds: Published ones.
    """
    benign, malicious = logits[labels == 0], logits[labels != 0]
    both = len(benign) > 0 and len(malicious) > 0

    def outcome(threshold: Threshold) -> Outcome:
        return Outcome(
            threshold=threshold,
            false_positives=reaching(benign, threshold.logit),
            detected=reaching(malicious, threshold.logit),
        )

    return Slice(
        name=name,
        benign=len(benign),
        malicious=len(malicious),
        area=area_under_roc(logits, labels) if both else None,
        area_interval=area_interval(logits, labels),
        detection={
            rate: reaching(malicious, threshold_at(benign, rate))
            for rate in FALSE_POSITIVE_RATES
            if both
        },
        at_suspicious=outcome(thresholds.suspicious),
        at_malicious=outcome(thresholds.malicious),
    )


def reaching(logits: NDArray[np.float32], threshold: float) -> Share:
    """How many of the logits are at or above the threshold."""
    return Share(count=int(np.count_nonzero(logits >= threshold)), of=len(logits))
