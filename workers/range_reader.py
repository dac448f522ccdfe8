"""Reads a fixed range of a topic once, as the only member of a group that never commits."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from workers.errors import LogUnavailableError
from workers.log.contract import Records
from workers.retrying import Reporter, retrying

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workers.log.contract import Log, TopicPartition
    from workers.settings.policies import RetryPolicy

_POLL_ROWS: Final = 500

# How often a reader to whom nothing comes looks whether it has been stopped.
_TURN_S: Final = 0.25


class Span(NamedTuple):
    """Offsets of a partition, from ``begin`` up to ``end`` (exclusive)."""

    begin: int
    end: int

    @property
    def size(self) -> int:
        """How many offsets these are; records may be fewer."""
        return max(0, self.end - self.begin)


class RangeReader:
    """Reads spans of a topic's partitions; each record once, whatever happens to the group.

    Args:
        log: Of which a source is made: it should be of a group of its own, that starts with the
            earliest record.
        topic: What to read.
        spans: What of each of its partitions; of those that are not named, nothing.
        places: All partitions of the topic.
        retry: How faults that pass are waited out.
        stopping: Ends the reading.

    Raises:
        WorkerError: the log cannot be reached, or the topic does not exist.
    """

    def __init__(
        self,
        log: Log,
        topic: str,
        spans: Mapping[TopicPartition, Span],
        *,
        places: frozenset[TopicPartition],
        retry: RetryPolicy,
        stopping: threading.Event,
    ) -> None:
        self._topic = topic
        self._ends = {place: span.end for place, span in spans.items() if span.size}
        self._next = {place: spans[place].begin for place in self._ends}
        self._held = places - self._ends.keys()
        self._stopping = stopping
        self._retrying = retrying(
            retry, stopping, Reporter(retry), f"topic '{topic}' cannot be read and is tried again"
        )
        self._source = log.source()
        self._source.subscribe(topic, self)
        self._source.hold(self._held)

    def on_assigned(self, partitions: object) -> None:
        """See `workers.log.contract.AssignmentListener`; nothing is kept."""

    def on_revoked(self, partitions: object) -> None:
        """See `workers.log.contract.AssignmentListener`; nothing is committed."""

    def on_lost(self, partitions: object) -> None:
        """See `workers.log.contract.AssignmentListener`; nothing is committed."""

    @property
    def reached(self) -> Mapping[TopicPartition, int]:
        """Up to where each span has been given out: past gaps, never past its end."""
        return self._next

    @property
    def complete(self) -> bool:
        """Whether all spans have been given out."""
        return all(self._next[place] >= end for place, end in self._ends.items())

    def turns(self) -> Iterator[Records]:
        """The records, some at a time, until all were given or ``stopping`` is set.

        Some may be empty; one comes at least every `_TURN_S`, while the log can be reached.

        Raises:
            WorkerError: the log refuses to be read.
        """
        while not self.complete and not self._stopping.is_set():
            try:
                records = self._retrying(self._source.poll, _POLL_ROWS, _TURN_S)
            except LogUnavailableError:
                return  # given up only when told to stop
            chosen = self._fresh(records)
            self._move()
            yield records if len(chosen) == len(records) else taken(records, chosen)

    def close(self) -> None:
        """Leave the group, which is gone then."""
        self._source.close()

    def _fresh(self, records: Records) -> NDArray[np.int64]:
        """Rows within the spans that have not been given out."""
        fresh = np.zeros(len(records), bool)
        for place, end in self._ends.items():
            of_place = records.partitions == place.partition
            fresh |= of_place & (records.offsets >= self._next[place]) & (records.offsets < end)
            if of_place.any():
                after = int(records.offsets[of_place].max()) + 1
                self._next[place] = min(max(self._next[place], after), end)
        return np.flatnonzero(fresh)

    def _move(self) -> None:
        """Note gaps that were read past, pass over what comes before a span, hold what is done.

        A partition that is assigned anew starts at its beginning again: nothing is committed.
        """
        for place, position in self._source.positions().items():
            if place not in self._ends:
                continue
            if position < self._next[place]:
                self._source.skip(place, self._next[place])
            else:
                self._next[place] = min(position, self._ends[place])
        done = {place for place, end in self._ends.items() if self._next[place] >= end}
        if (held := self._held | done) != self._held:
            self._held = held
            self._source.hold(held)


def taken(records: Records, rows: NDArray[np.int64]) -> Records:
    """These rows, in this order."""
    chosen = rows.tolist()
    return Records(
        topic=records.topic,
        partitions=records.partitions[rows],
        offsets=records.offsets[rows],
        timestamps=records.timestamps[rows],
        keys=[records.keys[row] for row in chosen],
        values=[records.values[row] for row in chosen],
        headers=[records.headers[row] for row in chosen],
    )
