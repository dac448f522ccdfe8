"""What a million events cost, in CPU time and in money at a stated price."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from tests.bench.results import Sample, tables

PART: Final = "cost of a million events"
_SECONDS_AN_HOUR: Final = 3600


def costs(samples: Iterable[Sample], price: float) -> Iterator[Sample]:
    """From the medians of every contestant from topic to topic.

    Args:
        samples: Of that part.
        price: Of a core for an hour.
    """
    for table in tables(samples):
        for row in table.rows:
            seconds = row.medians["worker CPU µs/event"]  # of a million: microseconds of one
            node = row.medians["node CPU µs/event"]
            yield Sample(
                part=PART,
                subject=table.subject,
                contestant=row.contestant,
                round=0,
                values={
                    "worker CPU s": seconds,
                    "node CPU s": node,
                    f"at {price:g} a core and hour": (seconds + node) / _SECONDS_AN_HOUR * price,
                },
                baseline=row.contestant == table.baseline,
            )
