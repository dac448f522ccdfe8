"""Chooses the published thresholds on validation rows, so that they hold on others.

A threshold stated for 0.1 % false positives has to hold on linked pages, on what browsers
request, on addresses for hosts and on lower-cased text, each by itself: in the field any of them
may be all there is. So each kind of benign rows asks for a threshold, and the highest is published.

A kind asks by this rule, n being its rows:

1. Rows of one group (a registered domain, say) go over the threshold together, so they say less
   than their number. n is divided by the design effect: the sum of the squares of the groups'
   counts above the plain threshold over the sum of those counts.
2. As many rows may reach the threshold as leave the one-sided 95 % upper bound (Clopper-Pearson)
   of their share at the stated rate or below: 42 of 55,000 at 0.1 %, and not 55. Set at 55, every
   second test would exceed the rate by chance.
3. Few rows would allow none by that (below 2,995 at 0.1 %, whatever their logits), and the highest
   of them alone would decide. So half the stated rate is always allowed, rounded up: 1 of 1,646.
   The share is still at most the rate; the bound may lie above it, and is reported.
4. A kind too small to show the rate (n below 1 / rate) asks for nothing, unless all are: then the
   largest decides, and none of its rows may reach the threshold.

The malicious threshold is never below the suspicious one, which a kind that asks for nothing at
the lower rate may have raised.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.artefact import GOLDEN_TOLERANCE
from models.errors import DataError
from models.thresholds import Threshold, Thresholds
from models.training.binomial import most_for, upper_bound
from models.training.metrics import threshold_above
from models.training.slices import LOWER_CASED

MALICIOUS_RATE = 1e-3
SUSPICIOUS_RATE = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class Benign:
    """Benign rows of one kind.

    Attributes:
        logits: float32[n], n at least 1.
        groups: n names of what goes together; None where each row stands for itself.
    """

    logits: NDArray[np.float32] = field(repr=False)
    groups: Sequence[str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one kind of benign rows asks for at one rate.

    Attributes:
        kind: Of the rows.
        rows: Of that kind.
        effective: Rows over the design effect.
        logit: The lowest threshold that the rule allows; None where the kind asks for nothing.
        reached: Rows at or above the threshold that was published.
        bound: One-sided 95 % upper bound of the share of such rows, of ``effective``.
        decisive: Whether what it asks for was published.
    """

    kind: str
    rows: int
    effective: float
    logit: float | None
    reached: int
    bound: float
    decisive: bool

    def as_json(self) -> dict[str, object]:
        """For manifests and reports."""
        return {
            "kind": self.kind,
            "rows": self.rows,
            "effective": self.effective,
            "logit": self.logit,
            "reached": self.reached,
            "bound": self.bound,
            "decisive": self.decisive,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Thresholds, and what each kind asked for."""

    thresholds: Thresholds
    suspicious: tuple[Request, ...]
    malicious: tuple[Request, ...]

    def as_json(self) -> dict[str, object]:
        """For manifests and reports."""
        return {
            "suspicious": [request.as_json() for request in self.suspicious],
            "malicious": [request.as_json() for request in self.malicious],
        }


def choose(kinds: Mapping[str, Benign]) -> Choice:
    """Thresholds at which the stated rates hold on every kind of benign rows.

    They hold on every engine that passes the golden vectors: such an engine may give logits
    larger by `GOLDEN_TOLERANCE`, so the thresholds stand that much higher.

    Args:
        kinds: Benign rows by kind, of validation; the module says what each asks for.

    Raises:
        DataError: there are no rows.
    """
    kinds = {kind: rows for kind, rows in kinds.items() if len(rows.logits)}
    if not kinds:
        raise DataError("thresholds need benign rows in validation, and there are none")
    suspicious, suspicious_requests = _chosen(kinds, SUSPICIOUS_RATE, at_least=-math.inf)
    malicious, malicious_requests = _chosen(kinds, MALICIOUS_RATE, at_least=suspicious.logit)
    return Choice(
        thresholds=Thresholds(suspicious=suspicious, malicious=malicious),
        suspicious=suspicious_requests,
        malicious=malicious_requests,
    )


def benign_kinds(
    logits: NDArray[np.float32],
    labels: NDArray[np.int8],
    kinds: Sequence[str],
    *,
    lower_cased: NDArray[np.float32] | None = None,
    groups: Sequence[str] | None = None,
) -> dict[str, Benign]:
    """The benign ones of n rows by kind, and each kind once more as lower-cased.

    Args:
        logits: float32[n].
        labels: int8[n], 0 benign.
        kinds: n names (`models.training.evaluation.kinds`, or a column of the data).
        lower_cased: float32[n], logits of the same rows with all letters in lower case; None for
            a featuriser that folds case.
        groups: n names of what goes together, "" for a row by itself.
    """
    named = np.asarray(kinds, object)
    together = None if groups is None else np.asarray(groups, object)
    found = {}
    for kind in dict.fromkeys(kinds):
        rows = (labels == 0) & (named == kind)
        own = None if together is None else together[rows].tolist()
        found[kind] = Benign(logits=logits[rows], groups=own)
        if lower_cased is not None:
            found[f"{kind}, {LOWER_CASED}"] = Benign(logits=lower_cased[rows], groups=own)
    return {kind: rows for kind, rows in found.items() if len(rows.logits)}


def _chosen(
    kinds: Mapping[str, Benign], rate: float, *, at_least: float
) -> tuple[Threshold, tuple[Request, ...]]:
    effective = {kind: _effective(rows, rate) for kind, rows in kinds.items()}
    asking = [kind for kind, rows in effective.items() if rows * rate >= 1]
    asking = asking or [max(kinds, key=lambda kind: len(kinds[kind].logits))]
    asked = {kind: _asked(kinds[kind].logits, effective[kind], rate) for kind in asking}
    published = {kind: _published(logit) for kind, logit in asked.items()}
    highest = max(published.values())
    threshold = Threshold(logit=max(highest, at_least), false_positive_rate=rate)
    return threshold, tuple(
        Request(
            kind=kind,
            rows=len(rows.logits),
            effective=effective[kind],
            logit=asked.get(kind),
            reached=(reached := int(np.count_nonzero(rows.logits >= threshold.logit))),
            bound=upper_bound(
                math.ceil(reached * effective[kind] / len(rows.logits)), effective[kind]
            ),
            decisive=published.get(kind) == threshold.logit,
        )
        for kind, rows in kinds.items()
    )


def _effective(rows: Benign, rate: float) -> float:
    """How many rows that stand each for itself would say as much."""
    if rows.groups is None:
        return float(len(rows.logits))
    above = rows.logits >= threshold_above(rows.logits, math.floor(rate * len(rows.logits)))
    if not above.any():
        return float(len(rows.logits))
    named = np.asarray(rows.groups, object)[above]
    # A row without a group stands for itself.
    _, counts = np.unique(named[named != ""].astype(np.str_), return_counts=True)
    alone = int(np.count_nonzero(named == ""))
    return len(rows.logits) * (int(counts.sum()) + alone) / (int((counts**2).sum()) + alone)


def _asked(logits: NDArray[np.float32], effective: float, rate: float) -> float:
    if effective * rate < 1:
        return threshold_above(logits, 0)
    allowed = max(most_for(rate, effective) or 0, math.ceil(rate * effective / 2))
    # Of the rows as they are, the same share may reach it.
    return threshold_above(logits, math.floor(allowed * len(logits) / effective))


def _published(logit: float) -> float:
    stated = np.float32(logit + GOLDEN_TOLERANCE)
    # Rounding to float32 may have gone down.
    return float(np.nextafter(stated, np.float32(np.inf)))
