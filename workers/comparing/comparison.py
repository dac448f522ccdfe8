"""What two sets of verdicts have in common and what not, as numbers and places."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from schemas.label import LABELS

QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_BINS: Final = 41
# Changes beyond these shares of the events would leave the rest a sliver: they are counted in the
# outermost bins.
_RANGE: Final = (0.001, 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One model that a side has verdicts of.

    Attributes:
        detector: The detector's name.
        name: Name of the artefact.
        version: Its version.
        digest: Its digest.
        suspicious: The logit from which on its verdicts say so.
        malicious: The logit from which on its verdicts say so.
        verdicts: How many there are, repeats among them.
        compared: Whether they took part.
    """

    detector: str
    name: str
    version: str
    digest: str
    suspicious: float
    malicious: float
    verdicts: int
    compared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One set of verdicts.

    Attributes:
        name: Where it is from.
        models: Who gave the verdicts.
        events: Events with a verdict that took part.
        repeats: Further verdicts on the same events, left out.
        only: Events that the other side has no verdict on, by the label here.
        left_out: Verdicts that were not asked for: of other models, runs, detectors or events.
        unjudged: Lines that say why there is no verdict.
        unreadable: Values that are no verdicts.
    """

    name: str
    models: tuple[Judged, ...]
    events: int
    repeats: int
    only: tuple[int, int, int]
    left_out: int
    unjudged: int
    unreadable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """An event whose label became malicious, or is so no more.

    Attributes:
        subject: What was judged, as the new verdict has it.
        record_id: Of the event; None off a log.
        place: Topic, partition and offset of the event, in words; None off a log.
        event_id: The producer's own.
        old_label: Before.
        new_label: Now.
        old_logit: Before.
        new_logit: Now.
    """

    subject: str
    record_id: str | None
    place: str | None
    event_id: str | int | None
    old_label: str
    new_label: str
    old_logit: float
    new_logit: float

    @property
    def change(self) -> float:
        """Of the logit."""
        return self.new_logit - self.old_logit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Changes:
    """How the logits of n events changed, from old to new.

    Attributes:
        edges: float64[bins + 1]; what lies beyond the outermost is counted in the outermost bins.
        counts: int64[bins], sums to n.
        quantiles: By share, as in `QUANTILES`; empty where n is 0.
        least: The least change; None where n is 0.
        most: The greatest change; None where n is 0.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    quantiles: tuple[tuple[float, float], ...]
    least: float | None
    most: float | None

    @classmethod
    def of(cls, changes: NDArray[np.float32]) -> Changes:
        """Of float32[n]."""
        if not len(changes):
            edges = np.linspace(-1, 1, _BINS + 1)
            return cls(
                edges=edges, counts=np.zeros(_BINS, np.int64), quantiles=(), least=None, most=None
            )
        low, high, *inner = np.quantile(changes, (*_RANGE, *QUANTILES)).tolist()
        # No change at all stands in the middle bin, and a bin is as wide to the left as to the
        # right of it. Rounding is no change to be looked at more closely.
        reach = max(abs(low), abs(high), 1e-3)
        edges = np.linspace(-reach, reach, _BINS + 1)
        counts, _ = np.histogram(np.clip(changes.astype(np.float64), -reach, reach), edges)
        return cls(
            edges=edges,
            counts=counts.astype(np.int64),
            quantiles=tuple(zip(QUANTILES, inner, strict=True)),
            least=float(changes.min()),
            most=float(changes.max()),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """What changed.

    Attributes:
        old: The earlier verdicts.
        new: The later ones.
        labels: int64[3, 3], events on both sides by old (rows) and new (columns) severity.
        changes: Of the logits of events on both sides.
        newly: The first of the newly malicious, by falling change of logit.
        no_longer: The first of those that are no longer malicious, by rising change of logit.
        notes: What a reader of the numbers should know.
    """

    old: Side
    new: Side
    labels: NDArray[np.int64]
    changes: Changes
    newly: tuple[Moved, ...]
    no_longer: tuple[Moved, ...]
    notes: tuple[str, ...] = ()

    @property
    def both(self) -> int:
        """Events on both sides."""
        return int(self.labels.sum())

    @property
    def agreeing(self) -> int:
        """Events that have the same label on both sides."""
        return int(np.trace(self.labels))

    @property
    def agreement(self) -> float | None:
        """Their share; None of none."""
        return self.agreeing / self.both if self.both else None

    @property
    def newly_malicious(self) -> int:
        """Events that are malicious now and were not."""
        return int(self.labels[:-1, -1].sum())

    @property
    def no_longer_malicious(self) -> int:
        """Events that were malicious and are no more."""
        return int(self.labels[-1, :-1].sum())

    def as_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        names = [label.value for label in LABELS]
        return {
            "old": _side(self.old),
            "new": _side(self.new),
            "both": self.both,
            "agreeing": self.agreeing,
            "agreement": self.agreement,
            "labels": {
                name: dict(zip(names, row, strict=True))
                for name, row in zip(names, self.labels.tolist(), strict=True)
            },
            "newly_malicious": {
                "events": self.newly_malicious,
                "first": [_moved(one) for one in self.newly],
            },
            "no_longer_malicious": {
                "events": self.no_longer_malicious,
                "first": [_moved(one) for one in self.no_longer],
            },
            "changes": {
                "least": self.changes.least,
                "most": self.changes.most,
                "quantiles": {f"{share:g}": value for share, value in self.changes.quantiles},
                "edges": self.changes.edges.tolist(),
                "counts": self.changes.counts.tolist(),
            },
            "notes": list(self.notes),
        }


def _side(side: Side) -> dict[str, Any]:
    only = dict(zip((label.value for label in LABELS), side.only, strict=True))
    return asdict(side) | {"only": only, "models": [asdict(model) for model in side.models]}


def _moved(moved: Moved) -> dict[str, Any]:
    return asdict(moved) | {"change": moved.change}
