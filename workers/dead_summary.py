"""Counts dead letters by cause and stage, and keeps the newest."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from schemas.origin import Origin
    from workers.dead_letters import Letters

# Enough for what is shown of a value, however many bytes its characters take.
_EXCERPT_BYTES: Final = 512


class Times(NamedTuple):
    """The earliest and the latest of some timestamps, in milliseconds since the epoch."""

    first: int
    last: int

    def with_one(self, timestamp: int) -> Times:
        """These and one more."""
        return Times(min(self.first, timestamp), max(self.last, timestamp))


class Line(NamedTuple):
    """One letter in brief; lines sort by time.

    Attributes:
        timestamp: Of the letter, milliseconds since the epoch.
        partition: Of the dead-letter topic.
        offset: In it.
        cause: Its code.
        detail: Not made printable.
        origin: Where the record was first read, if that is told.
        value: The first `_EXCERPT_BYTES` bytes of the value; None if there is none.
    """

    timestamp: int
    partition: int
    offset: int
    cause: str
    detail: str
    origin: Origin | None
    value: bytes | None


@dataclass(slots=True, kw_only=True)
class Group:
    """Letters of one cause and one stage.

    Attributes:
        cause: Code of the cause.
        stage: Code of the stage.
        times: Of the letters.
        origin_times: Of the records that they were; None while none is told.
        newest: Timestamp, partition and offset of the newest.
        count: How many there are.
    """

    cause: str
    stage: str
    times: Times
    newest: tuple[int, int, int]
    origin_times: Times | None = None
    count: int = 0


class Summary:
    """State of the counting.

    Args:
        most_lines: How many of the newest letters are kept in brief.
    """

    def __init__(self, most_lines: int = 0) -> None:
        self._most_lines = most_lines
        self._groups: dict[tuple[str, str], Group] = {}
        self._newest: list[Line] = []

    def add(self, letters: Letters) -> None:
        """Count these too."""
        records = letters.records
        for row, (partition, offset, timestamp) in enumerate(
            zip(
                records.partitions.tolist(),
                records.offsets.tolist(),
                records.timestamps.tolist(),
                strict=True,
            )
        ):
            cause, stage, origin = letters.causes[row], letters.stages[row], letters.origins[row]
            at = (timestamp, partition, offset)
            group = self._groups.setdefault(
                (cause, stage),
                Group(cause=cause, stage=stage, times=Times(timestamp, timestamp), newest=at),
            )
            group.count += 1
            group.times = group.times.with_one(timestamp)
            group.newest = max(group.newest, at)
            if origin is not None and origin.timestamp >= 0:
                known = group.origin_times or Times(origin.timestamp, origin.timestamp)
                group.origin_times = known.with_one(origin.timestamp)
            if self._most_lines and (
                len(self._newest) < self._most_lines or at > self._newest[0][:3]
            ):
                self._keep(letters, row, at)

    @property
    def groups(self) -> Sequence[Group]:
        """The most frequent first."""
        return sorted(self._groups.values(), key=lambda g: (-g.count, g.cause, g.stage))

    @property
    def newest(self) -> Sequence[Line]:
        """The newest letters, the newest first."""
        return sorted(self._newest, key=lambda line: line[:3], reverse=True)

    def _keep(self, letters: Letters, row: int, at: tuple[int, int, int]) -> None:
        value = letters.records.values[row]
        line = Line(
            *at,
            cause=letters.causes[row],
            detail=letters.details[row],
            origin=letters.origins[row],
            value=None if value is None else value[:_EXCERPT_BYTES],
        )
        # No two lines have the same place, so nothing after it is ever compared.
        if len(self._newest) < self._most_lines:
            heapq.heappush(self._newest, line)
        else:
            heapq.heapreplace(self._newest, line)
