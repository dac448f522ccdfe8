"""How well logits of labelled rows tell them apart: over all, by kind of source, by source.

Two questions are answered, and they differ. *Detection at a false-positive rate* sets the
threshold by the very benign rows that it is measured on, and so compares models. *At a published
threshold* is what a user of the artefact would have seen on these rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.engines.contract import Engine
from models.errors import LogitError
from models.features import Featuriser
from models.thresholds import Threshold, Thresholds
from models.training.metrics import (
    FALSE_POSITIVE_RATES,
    area_under_roc,
    threshold_at,
    wilson_interval,
)

# Sources that begin with one of these and a colon are benign rows of their own kind: observed
# traffic, and rows made up for training. Mixed with the rest they would flatter every figure.
APART = ("telemetry", "synthetic")
COLLECTED = "collected"
# Sources by name, largest first; more would bury the others.
MOST_SOURCES = 40
SCORING_ROWS = 1024

_Rows = NDArray[np.bool_]


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
        detection: Malicious rows at or above the threshold that the slice's own benign rows set
            for a false-positive rate; empty where a label has no row.
        at_suspicious: At the published threshold of that label.
        at_malicious: At the published threshold of that label.
    """

    name: str
    benign: int
    malicious: int
    area: float | None
    detection: dict[float, Share]
    at_suspicious: Outcome
    at_malicious: Outcome

    def as_json(self) -> dict[str, object]:
        """For manifests and reports."""
        return {
            "benign": self.benign,
            "malicious": self.malicious,
            "area": self.area,
            "detection": {str(rate): share.as_json() for rate, share in self.detection.items()},
            "at": {
                "suspicious": self.at_suspicious.as_json(),
                "malicious": self.at_malicious.as_json(),
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Figures of one split.

    Attributes:
        everything: All rows.
        kinds: Collected, telemetry and synthetic rows; empty where there is one kind only.
        sources: By what stands before the colon in the name of the source, largest first; empty
            where there is one source only.
    """

    everything: Slice
    kinds: tuple[Slice, ...]
    sources: tuple[Slice, ...]

    def as_json(self) -> dict[str, object]:
        """For reports; the manifest leaves out the sources."""
        return {
            "all": self.everything.as_json(),
            "kinds": {part.name: part.as_json() for part in self.kinds},
            "sources": {part.name: part.as_json() for part in self.sources},
        }


def evaluate(
    logits: NDArray[np.float32],
    labels: NDArray[np.int8],
    sources: Sequence[str],
    thresholds: Thresholds,
) -> Evaluation:
    """Measure n rows.

    Args:
        logits: float32[n].
        labels: int8[n], 0 benign, 1 malicious.
        sources: n names, "" where unknown.
        thresholds: Published ones.
    """
    names = np.array([source.partition(":")[0] for source in sources], object)
    kinds = np.where(np.isin(names, APART), names, COLLECTED)

    def part(name: str, rows: _Rows) -> Slice:
        return _measured(name, logits[rows], labels[rows], thresholds)

    return Evaluation(
        everything=part("all", np.ones(len(logits), np.bool_)),
        kinds=tuple(part(name, rows) for name, rows in _parts(kinds)),
        sources=tuple(part(name or "unnamed", rows) for name, rows in _parts(names)),
    )


def score(
    engine: Engine,
    featuriser: Featuriser,
    texts: Sequence[str],
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.float32]:
    """Logits float32[n] of n texts.

    Args:
        engine: Warmed here.
        featuriser: The artefact's.
        texts: Any number.
        progress: Is told how many are done.

    Raises:
        LogitError: a logit is not a number.
    """
    logits = np.empty(len(texts), np.float32)
    engine.warm(min(SCORING_ROWS, len(texts)))
    for start in range(0, len(texts), SCORING_ROWS):
        some = slice(start, start + SCORING_ROWS)
        logits[some] = engine.logits(featuriser(texts[some]))
        if progress:
            progress(min(start + SCORING_ROWS, len(texts)))
    bad = np.flatnonzero(~np.isfinite(logits))
    if len(bad):
        raise LogitError(
            f"the network gave {logits[bad[0]]} for row {bad[0]}, and for {len(bad)} rows no number"
        )
    return logits


def worst(
    logits: NDArray[np.float32], labels: NDArray[np.int8], most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The mistakes farthest off.

    Returns:
        Rows of the benign texts with the highest logits, highest first, and rows of the
        malicious ones with the lowest, lowest first; at most ``most`` of each.
    """
    order = np.argsort(logits, kind="stable")
    return order[labels[order] == 0][::-1][:most], order[labels[order] != 0][:most]


def _parts(names: NDArray[np.object_]) -> Iterator[tuple[str, _Rows]]:
    """Rows by name, most rows first; nothing where all have the same name."""
    different, counts = np.unique(names.astype(np.str_), return_counts=True)
    if len(different) > 1:
        for number in np.argsort(-counts, kind="stable")[:MOST_SOURCES]:
            yield str(different[number]), names == different[number]


def _measured(
    name: str, logits: NDArray[np.float32], labels: NDArray[np.int8], thresholds: Thresholds
) -> Slice:
    benign, malicious = logits[labels == 0], logits[labels != 0]
    both = len(benign) > 0 and len(malicious) > 0

    def outcome(threshold: Threshold) -> Outcome:
        return Outcome(
            threshold=threshold,
            false_positives=_reaching(benign, threshold.logit),
            detected=_reaching(malicious, threshold.logit),
        )

    return Slice(
        name=name,
        benign=len(benign),
        malicious=len(malicious),
        area=area_under_roc(logits, labels) if both else None,
        detection={
            rate: _reaching(malicious, threshold_at(benign, rate))
            for rate in FALSE_POSITIVE_RATES
            if both
        },
        at_suspicious=outcome(thresholds.suspicious),
        at_malicious=outcome(thresholds.malicious),
    )


def _reaching(logits: NDArray[np.float32], threshold: float) -> Share:
    return Share(count=int(np.count_nonzero(logits >= threshold)), of=len(logits))
