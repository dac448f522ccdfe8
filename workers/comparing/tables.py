"""A comparison as heads and cells, for terminals and reports alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from schemas.label import LABELS
from workers.comparing.comparison import Comparison, Moved, Side

NAMES = [label.value for label in LABELS]
MODEL_HEADS = ("side", "detector", "model", "suspicious", "malicious", "verdicts", "digest")
SIDE_HEADS = (
    *("", "events", "repeats", "left out", "unreadable", "only here"),
    *(f"only here: {name}" for name in NAMES),
)
LABEL_HEADS = ("old \\ new", *NAMES)
MOVED_HEADS = ("change", "old", "new", "subject", "event")
QUANTILE_HEADS = ("share of events", "logit changed by at most")
_DIGITS = 12


def models(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """Who gave the verdicts, under `MODEL_HEADS`; those that took no part say so."""
    for which, side in (("old", comparison.old), ("new", comparison.new)):
        for one in side.models:
            yield (
                f"{which}, {side.name}",
                one.detector,
                f"{one.name}@{one.version}" + ("" if one.compared else " (left out)"),
                f"{one.suspicious:.4f}",
                f"{one.malicious:.4f}",
                f"{one.verdicts:,}",
                one.digest[:_DIGITS],
            )


def sides(comparison: Comparison) -> list[tuple[str, ...]]:
    """How many there are of what, under `SIDE_HEADS`."""
    return [_side("old", comparison.old), _side("new", comparison.new)]


def _side(which: str, side: Side) -> tuple[str, ...]:
    return (
        f"{which}, {side.name}",
        f"{side.events:,}",
        f"{side.repeats:,}",
        f"{side.left_out:,}",
        f"{side.unreadable + side.unjudged:,}",
        f"{sum(side.only):,}",
        *(f"{count:,}" for count in side.only),
    )


def labels(comparison: Comparison) -> list[tuple[str, ...]]:
    """Events on both sides by old and new label, under `LABEL_HEADS`."""
    return [
        (name, *(f"{count:,}" for count in row))
        for name, row in zip(NAMES, comparison.labels.tolist(), strict=True)
    ]


def moved(ones: Sequence[Moved]) -> list[tuple[str, ...]]:
    """Events whose label moved, under `MOVED_HEADS`."""
    return [
        (
            f"{one.change:+.4f}",
            f"{one.old_logit:.4f} {one.old_label}",
            f"{one.new_logit:.4f} {one.new_label}",
            one.subject,
            _event(one),
        )
        for one in ones
    ]


def _event(one: Moved) -> str:
    if one.place is not None:
        return one.place
    return "" if one.event_id is None else f"id {one.event_id}"


def quantiles(comparison: Comparison) -> list[tuple[str, ...]]:
    """How the logits changed, under `QUANTILE_HEADS`."""
    changes = comparison.changes
    if changes.least is None or changes.most is None:
        return []
    return [
        ("the least", f"{changes.least:+.4f}"),
        *((f"{100 * share:g} %", f"{value:+.4f}") for share, value in changes.quantiles),
        ("all", f"{changes.most:+.4f}"),
    ]


def bars(comparison: Comparison) -> list[tuple[str, int]]:
    """Ranges of change and how many events are in them, between the outermost that have any."""
    changes = comparison.changes
    if changes.least is None or changes.most is None:
        return []
    edges, counts = changes.edges.tolist(), changes.counts.tolist()
    there = [row for row, count in enumerate(counts) if count]
    told = [f"{low:+.3f} to {high:+.3f}" for low, high in pairwise(edges)]
    if changes.least < edges[0]:
        told[0] = f"{edges[1]:+.3f} and less"
    if changes.most > edges[-1]:
        told[-1] = f"{edges[-2]:+.3f} and more"
    return [(told[row], counts[row]) for row in range(there[0], there[-1] + 1)]


def summary(comparison: Comparison) -> list[str]:
    """The outcome in sentences."""
    both = comparison.both
    if not both:
        return ["No event is on both sides."]
    other = both - comparison.agreeing
    same = f"{comparison.agreeing:,} have the same label, {other:,} another"
    newly, no_longer = comparison.newly_malicious, comparison.no_longer_malicious
    return [
        f"{both:,} events are on both sides: {same} ({100 * other / both:.3g} %).",
        f"{newly:,} are newly malicious, {no_longer:,} are no longer malicious.",
    ]
