"""Counts of what a replica has done, for summaries and logs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from workers.metrics import catalogue
from workers.metrics.meters import Discard
from workers.metrics.series import Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """One moment's counts since start.

    Attributes:
        events: Records polled.
        verdicts: Verdicts acknowledged by the log.
        unpublished: Verdicts given and, being milder than the publish minimum, only counted.
        dead: Dead letters acknowledged by the log.
        labels: Verdicts given, by label.
        causes: Dead letters, by cause.
    """

    events: int
    verdicts: int
    unpublished: int
    dead: int
    labels: dict[str, int]
    causes: dict[str, int]


class Tally:
    """What the meters of a replica have counted, as summaries tell it.

    Args:
        series: Of the meters.
    """

    def __init__(self, series: Series) -> None:
        self._series = series

    def counts(self) -> Counts:
        """The counts now."""
        causes: Counter[str] = Counter()
        for (_, cause), count in self._series.values(catalogue.DEAD_LETTERS).items():
            causes[cause] += int(count)
        return Counts(
            events=self._count(catalogue.EVENTS),
            verdicts=self._count(catalogue.VERDICTS_PUBLISHED),
            unpublished=self._count(catalogue.DISCARDS, Discard.UNPUBLISHED.value),
            dead=self._count(catalogue.DEAD_LETTERS_PUBLISHED),
            labels={
                label: int(count)
                for (label,), count in self._series.values(catalogue.VERDICTS).items()
                if count
            },
            causes=dict(causes),
        )

    def _count(self, metric: catalogue.Metric, *labels: str) -> int:
        return int(self._series.values(metric)[labels])
