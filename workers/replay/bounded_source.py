"""A source that ends: gives the events of fixed spans and no other, at a pace."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import structlog

from workers.errors import PositionLostError
from workers.log.contract import AssignmentListener, Membership, Records, TopicPartition
from workers.range_reader import Span, taken

if TYPE_CHECKING:
    from workers.log.contract import Source
    from workers.replay.pace import Pace

journal = structlog.get_logger(__name__)


class BoundedSource:
    """`workers.log.contract.Source` over another, for the spans of a topic's partitions.

    Records outside of the spans are never given, and no position goes past an end: an end that is
    reached is where the partition stays. Partitions without a span are held, and have no position.

    Args:
        inner: A member of a group whose positions start within the spans.
        spans: What is given, by partition.
        pace: How fast.
        begun: Positions that the group had before; no later one lies before them.
        confirm: Called once we are a member, before anything is given; raises if the spans are
            not the group's.
        wait: Waits for so many seconds.

    Attributes:
        at_ends: Whether nothing of what is assigned was left to give at the last poll.
        repeated: Records that were given again, having come to us a second time.
    """

    def __init__(
        self,
        inner: Source,
        spans: Mapping[TopicPartition, Span],
        pace: Pace,
        *,
        begun: Mapping[TopicPartition, int] | None = None,
        confirm: Callable[[], None] = lambda: None,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._inner = inner
        self._spans = spans
        self._pace = pace
        self._begun = begun or {}
        self._confirm = confirm
        self._wait = wait
        self._listener: AssignmentListener | None = None
        self._assigned: set[TopicPartition] = set()
        self._confirmed = False
        # Held by who owns us, and held in all: those at their ends and those without a span too.
        self._shut: frozenset[TopicPartition] = frozenset()
        self._held: frozenset[TopicPartition] = frozenset()
        # Whether our owner wants a pause, and whether there is one.
        self._wants_pause = self._is_paused = False
        # Whether the operator does, as far as the journal says.
        self._told_paused = False
        # Where partitions stood at the last poll, of their present assignment.
        self._read: dict[TopicPartition, int] = {}
        # One past the last offset that was given of each partition.
        self._given: dict[TopicPartition, int] = {}
        self.at_ends = False
        self.repeated = 0

    def subscribe(self, topic: str, listener: AssignmentListener) -> None:
        """See `workers.log.contract.Source`."""
        self._listener = listener
        self._inner.subscribe(topic, self)
        self._inner.pause()
        self._is_paused = True

    def poll(self, max_records: int, timeout: float) -> Records:
        """See `workers.log.contract.Source`; also waits for the pace, within ``timeout``.

        Raises:
            PositionLostError: also where reading went back, and the range is not what it was.
        """
        self._tell_pause()
        if (early := self._pace.wait()) > 0:
            self._wait(min(early, timeout))
            timeout = max(0.0, timeout - early)
        # Heartbeats and rebalances come through whether we may read or not.
        ready = self._confirmed and not self._pace.wait()
        self._set_paused(paused=self._wants_pause or self._pace.paused or not ready)
        self._hold()
        records = self._inner.poll(self._pace.most(max_records), timeout)
        if self._assigned and not self._confirmed:
            self._confirm()
            self._confirmed = True
        return self._bounded(records)

    def positions(self) -> Mapping[TopicPartition, int]:
        """See `workers.log.contract.Source`; never past an end."""
        return {
            place: max(span.begin, min(position, span.end))
            for place, position in self._inner.positions().items()
            if (span := self._spans.get(place)) is not None
        }

    def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """See `workers.log.contract.Source`."""
        self._inner.commit(positions)

    def pause(self) -> None:
        """See `workers.log.contract.Source`."""
        self._wants_pause = True
        self._set_paused(paused=True)

    def resume(self) -> None:
        """See `workers.log.contract.Source`; the next poll sees to it."""
        self._wants_pause = False

    def hold(self, partitions: Collection[TopicPartition]) -> None:
        """See `workers.log.contract.Source`."""
        self._shut = frozenset(partitions)
        self._hold()

    def skip(self, place: TopicPartition, offset: int) -> None:
        """See `workers.log.contract.Source`."""
        self._inner.skip(place, offset)

    def membership(self) -> Membership:
        """See `workers.log.contract.Source`."""
        return self._inner.membership()

    def reachable(self) -> bool:
        """See `workers.log.contract.Source`."""
        return self._inner.reachable()

    def lag(self) -> Mapping[TopicPartition, int]:
        """See `workers.log.contract.Source`: offsets between our position and the span's end."""
        return {
            place: self._spans[place].end - position for place, position in self.positions().items()
        }

    def close(self) -> None:
        """See `workers.log.contract.Source`."""
        self._inner.close()

    # Called by the inner source.

    def on_assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """See `workers.log.contract.AssignmentListener`."""
        came = list(partitions)
        self._assigned.update(came)
        if self._listener is not None:
            self._listener.on_assigned(came)

    def on_revoked(self, partitions: Iterable[TopicPartition]) -> None:
        """See `workers.log.contract.AssignmentListener`."""
        gone = self._gone(partitions)
        if self._listener is not None:
            self._listener.on_revoked(gone)

    def on_lost(self, partitions: Iterable[TopicPartition]) -> None:
        """See `workers.log.contract.AssignmentListener`."""
        gone = self._gone(partitions)
        if self._listener is not None:
            self._listener.on_lost(gone)

    def _gone(self, partitions: Iterable[TopicPartition]) -> list[TopicPartition]:
        gone = list(partitions)
        self._assigned.difference_update(gone)
        for place in gone:
            self._read.pop(place, None)
        return gone

    def _tell_pause(self) -> None:
        if self._pace.paused != self._told_paused:
            self._told_paused = not self._told_paused
            journal.info(
                "replay paused; SIGUSR2 goes on" if self._told_paused else "replay goes on"
            )

    def _set_paused(self, *, paused: bool) -> None:
        if paused != self._is_paused:
            (self._inner.pause if paused else self._inner.resume)()
            self._is_paused = paused

    def _hold(self) -> None:
        """Hold what our owner holds, what has no span, and what is at its end."""
        done = set()
        positions = self._inner.positions()
        for place in self._assigned:
            span = self._spans.get(place)
            if span is not None:
                self._see_rising(place, positions.get(place))
            if span is None or positions.get(place, span.begin) >= span.end:
                done.add(place)
        self.at_ends = self._confirmed and done == self._assigned
        held = self._shut | done
        if held != self._held:
            self._held = held
            self._inner.hold(self._held)

    def _see_rising(self, place: TopicPartition, position: int | None) -> None:
        """See that reading goes forward only: what stands before is not what stood there.

        Raises:
            PositionLostError: it went back.
        """
        least = self._read.get(place, self._begun.get(place, self._spans[place].begin))
        if position is None:
            return
        if position < least:
            raise PositionLostError(
                f"{place.topic}[{place.partition}]: reading went back from offset {least} to "
                f"{position}: the topic was made anew or truncated, or positions of the run's "
                "group were removed. The run cannot be brought to its end; give another --run"
            )
        self._read[place] = position

    def _bounded(self, records: Records) -> Records:
        """Rows within the spans; what is given and given again is counted."""
        self._pace.took(len(records))
        inside = np.zeros(len(records), bool)
        for number in np.unique(records.partitions).tolist():
            place = TopicPartition(records.topic, number)
            span = self._spans.get(place)
            if span is None:
                continue
            offsets = records.offsets
            self._see_rising(place, int(offsets[records.partitions == number][0]))
            of_place = (records.partitions == number) & (offsets >= span.begin)
            of_place &= offsets < span.end
            inside |= of_place
            given = self._given.get(place, span.begin)
            self.repeated += int(np.count_nonzero(of_place & (offsets < given)))
            if of_place.any():
                self._given[place] = max(given, int(offsets[of_place].max()) + 1)
        return records if inside.all() else taken(records, np.flatnonzero(inside))
