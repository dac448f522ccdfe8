"""What was measured, as rows; medians and ratios of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement of one contestant.

    Attributes:
        part: What was done, such as ``topic to topic``.
        subject: What was judged: ``url``, ``path``, ``html``.
        contestant: Who did it.
        round: Which time.
        values: Figures by their name, which ends in the unit.
        baseline: Whether ratios are to this contestant.
    """

    part: str
    subject: str
    contestant: str
    round: int
    values: Mapping[str, float]
    baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """All rounds of one contestant.

    Attributes:
        contestant: Who.
        rounds: How many.
        medians: Of the figures.
        least: The least of each.
        greatest: The greatest of each.
        ratio: Of the first figure's median to the baseline's; None without one.
    """

    contestant: str
    rounds: int
    medians: Mapping[str, float]
    least: Mapping[str, float]
    greatest: Mapping[str, float]
    ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All contestants in one matter.

    Attributes:
        part: Of the samples.
        subject: Of the samples.
        baseline: To whom ratios are; None for nobody.
        rows: In the order in which contestants first came.
    """

    part: str
    subject: str
    baseline: str | None
    rows: tuple[Row, ...]


def tables(samples: Iterable[Sample]) -> list[Table]:
    """Samples by matter, in the order in which the matters first came."""
    matters: dict[tuple[str, str], dict[str, list[Sample]]] = {}
    for sample in samples:
        of_matter = matters.setdefault((sample.part, sample.subject), {})
        of_matter.setdefault(sample.contestant, []).append(sample)
    return [_table(part, subject, found) for (part, subject), found in matters.items()]


def _table(part: str, subject: str, found: Mapping[str, Sequence[Sample]]) -> Table:
    baseline = next((name for name, own in found.items() if own[0].baseline), None)
    to_beat = None if baseline is None else _first(_of_all(found[baseline], median))
    rows = []
    for name, own in found.items():
        medians = _of_all(own, median)
        mine = _first(medians)
        rows.append(
            Row(
                contestant=name,
                rounds=len(own),
                medians=medians,
                least=_of_all(own, min),
                greatest=_of_all(own, max),
                ratio=mine / to_beat if mine is not None and to_beat else None,
            )
        )
    return Table(part=part, subject=subject, baseline=baseline, rows=tuple(rows))


def _of_all(samples: Sequence[Sample], summary: Any) -> dict[str, float]:
    """A summary of each figure over the samples that have it."""
    names = dict.fromkeys(name for sample in samples for name in sample.values)
    return {
        name: float(summary([sample.values[name] for sample in samples if name in sample.values]))
        for name in names
    }


def _first(values: Mapping[str, float]) -> float | None:
    return next(iter(values.values()), None)


def as_json(samples: Sequence[Sample], about: Mapping[str, Any]) -> dict[str, Any]:
    """Everything as it was measured, and what follows from it."""
    return {
        "about": about,
        "samples": [asdict(sample) for sample in samples],
        "tables": [asdict(table) for table in tables(samples)],
    }
