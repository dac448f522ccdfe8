"""A log in this process, for tests and for machines without Kafka: nothing is kept on disk."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Final

import numpy as np

from workers.errors import (
    AssignmentLostError,
    LogError,
    UndecodableError,
)
from workers.log.contract import AssignmentListener, Membership, Records, TopicPartition
from workers.log.memory_broker import MemoryBroker
from workers.log.memory_group import Member, MemoryGroup
from workers.log.memory_sink import MemorySink
from workers.log.memory_topic import StoredRecord
from workers.log.memory_transactions import MemoryTransactions
from workers.log.reset_policy import Reset, ResetPolicy

_NO_SILENCE: Final = float("inf")


class MemoryLog:
    """`workers.log.contract.Log` on a `MemoryBroker`.

    Args:
        broker: Holds the topics.
        group_id: Group that sources join.
        auto_offset_reset: Where to start where nothing is committed; ``none`` stops.
        max_poll_interval: Seconds, on the broker's clock, without `poll` after which the group
            gives a member's partitions away.
        notes: What every position of these partitions is committed with.
    """

    def __init__(
        self,
        broker: MemoryBroker,
        group_id: str = "fishweir",
        *,
        auto_offset_reset: Reset = "earliest",
        max_poll_interval: float = _NO_SILENCE,
        notes: Mapping[TopicPartition, str] | None = None,
    ) -> None:
        self._broker = broker
        self._group_id = group_id
        self._reset: Reset = auto_offset_reset
        self._notes = notes or {}
        self._max_poll_interval = max_poll_interval

    def source(self) -> MemorySource:
        """A new member of the group."""
        return MemorySource(
            self._broker, self._group_id, self._reset, self._max_poll_interval, self._notes
        )

    def sink(self) -> MemorySink:
        """A new publisher."""
        return MemorySink(self._broker)

    def transactions(self, name: str | None = None) -> MemoryTransactions:
        """A new publisher of transactions."""
        return MemoryTransactions(self._broker, name, self._notes)


class MemorySource:
    """`workers.log.contract.Source` on a `MemoryBroker`."""

    def __init__(
        self,
        broker: MemoryBroker,
        group_id: str,
        reset: Reset,
        max_poll_interval: float,
        notes: Mapping[TopicPartition, str] | None = None,
    ) -> None:
        self._broker = broker
        self._group_id = group_id
        self._group: MemoryGroup = broker.groups[group_id]
        self._policy = ResetPolicy(reset, group_id)
        self._notes = notes or {}
        self._max_poll_interval = max_poll_interval
        self._member: Member | None = None
        self._listener: AssignmentListener | None = None
        self._topic = ""
        self._paused = False
        self._held_back: frozenset[TopicPartition] = frozenset()
        # Partitions that the listener was told of, and where those are read that have a position.
        self._told: set[TopicPartition] = set()
        self._positions: dict[TopicPartition, int] = {}

    def subscribe(self, topic: str, listener: AssignmentListener) -> None:
        """See `workers.log.contract.Source`."""
        with self._broker.changed:
            self._broker.topic(topic)
            self._topic = topic
            self._listener = listener
            self._join()

    def poll(self, max_records: int, timeout: float) -> Records:
        """See `workers.log.contract.Source`."""
        deadline = time.monotonic() + timeout
        while True:
            self._rebalance()
            with self._broker.changed:
                self._broker.check_reachable()
                rows = [] if self._paused else self._read(max_records)
                left = deadline - time.monotonic()
                if rows or left <= 0:
                    return _columns(self._topic, rows)
                if not self._assignment_changes():
                    self._broker.changed.wait(left)

    def positions(self) -> Mapping[TopicPartition, int]:
        """See `workers.log.contract.Source`."""
        return dict(self._positions)

    def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """See `workers.log.contract.Source`."""
        with self._broker.changed:
            self._broker.check_reachable()
            held = self._held()
            self._group.commit(
                {place: offset for place, offset in positions.items() if place in held},
                self._notes,
            )
        if lost := sorted(place.partition for place in positions if place not in held):
            raise AssignmentLostError(
                f"partitions {lost} of '{self._topic}' are no longer assigned to this member; "
                "their positions were not committed"
            )

    def pause(self) -> None:
        """See `workers.log.contract.Source`."""
        self._paused = True

    def resume(self) -> None:
        """See `workers.log.contract.Source`."""
        self._paused = False

    def hold(self, partitions: Collection[TopicPartition]) -> None:
        """See `workers.log.contract.Source`."""
        self._held_back = frozenset(partitions)

    def skip(self, place: TopicPartition, offset: int) -> None:
        """See `workers.log.contract.Source`."""
        if place in self._positions:
            self._positions[place] = offset

    def membership(self) -> Membership:
        """See `workers.log.contract.Source`."""
        member = self._member
        if member is None or member.expelled:
            raise AssignmentLostError(f"no member of group '{self._group_id}' just now")
        with self._broker.changed:
            return Membership(
                group_id=self._group_id, generation=self._group.generation, member_id=member.id
            )

    def reachable(self) -> bool:
        """See `workers.log.contract.Source`."""
        return self._broker.reachable

    def lag(self) -> Mapping[TopicPartition, int]:
        """See `workers.log.contract.Source`."""
        with self._broker.changed:
            partitions = self._broker.topic(self._topic).partitions
            return {
                place: max(0, partitions[place.partition].end - position)
                for place, position in self._positions.items()
            }

    def close(self) -> None:
        """See `workers.log.contract.Source`."""
        if self._member is None or self._listener is None:
            return
        member, listener = self._member, self._listener
        if member.expelled:
            self._tell_lost(listener)
        elif self._told:
            self._let_go(listener, set(self._told))
        with self._broker.changed:
            self._group.leave(member)
            self._broker.changed.notify_all()
        self._member = None

    def _join(self) -> None:
        partitions = len(self._broker.topic(self._topic).partitions)
        self._member = Member(self._topic, self._broker.clock())
        self._group.join(
            self._member, (TopicPartition(self._topic, number) for number in range(partitions))
        )
        self._broker.changed.notify_all()

    def _held(self) -> set[TopicPartition]:
        if self._member is None:
            return set()
        self._group.expel_silent(self._broker.clock(), self._max_poll_interval)
        return self._group.owned(self._member)

    def _assignment_changes(self) -> bool:
        member = self._member
        return member is not None and (
            member.expelled
            or bool(self._group.to_release(member))
            or self._group.has_something_for(member)
        )

    def _rebalance(self) -> None:
        """Learn what has come and gone; the listener is called without the lock."""
        if self._member is None or self._listener is None:
            raise LogError("the source is not subscribed, or closed")
        listener = self._listener
        with self._broker.changed:
            self._group.expel_silent(self._broker.clock(), self._max_poll_interval)
            expelled = self._member.expelled
        if expelled:
            self._tell_lost(listener)
            with self._broker.changed:
                self._join()
        member = self._member
        with self._broker.changed:
            member.last_poll = self._broker.clock()
            leaving = self._group.to_release(member)
        if leaving:
            self._let_go(listener, leaving)
        with self._broker.changed:
            new = sorted(self._group.take(member))
        if new:
            self._told.update(new)
            listener.on_assigned(new)
        with self._broker.changed:
            # Also those that could not be looked up when they came, the log being away.
            for place in self._group.owned(member) - set(self._positions):
                self._positions[place] = self._first_position(place)

    def _let_go(self, listener: AssignmentListener, leaving: set[TopicPartition]) -> None:
        self._told -= leaving
        for place in leaving:
            self._positions.pop(place, None)
        listener.on_revoked(sorted(leaving))
        with self._broker.changed:
            if self._member is not None:
                self._group.release(self._member, leaving)
            self._broker.changed.notify_all()

    def _tell_lost(self, listener: AssignmentListener) -> None:
        lost = sorted(self._told)
        self._told.clear()
        self._positions.clear()
        if lost:
            listener.on_lost(lost)

    def _first_position(self, place: TopicPartition) -> int:
        committed = self._group.committed.get(place)
        if committed is not None:
            return committed
        self._policy.nothing_committed([place])
        return self._by_policy(place)

    def _by_policy(self, place: TopicPartition) -> int:
        partition = self._broker.topic(place.topic).partitions[place.partition]
        return partition.begin if self._policy.earliest else partition.end

    def _read(self, most: int) -> list[tuple[int, StoredRecord]]:
        """Rows of all partitions, as (partition, record); those first that waited longest."""
        rows: list[tuple[int, StoredRecord]] = []
        for place in [place for place in self._positions if place not in self._held_back]:
            self._check_position(place)
            partition = self._broker.topic(place.topic).partitions[place.partition]
            found, after = partition.read(self._positions[place], most - len(rows))
            if spoilt := partition.spoilt_at(self._positions[place], after):
                found = [record for record in found if record.offset < spoilt[0]]
                if not found and not rows:
                    raise UndecodableError(
                        place.topic, place.partition, *spoilt, "ordered by a test"
                    )
                after = min(after, spoilt[0])
            rows.extend((place.partition, record) for record in found)
            if found:
                del self._positions[place]  # to the end of the order
            self._positions[place] = after
            if len(rows) == most:
                break
        return rows

    def _check_position(self, place: TopicPartition) -> None:
        partition = self._broker.topic(place.topic).partitions[place.partition]
        at = self._policy.out_of_range(
            place, self._positions[place], partition.begin, partition.end
        )
        self._positions[place] = self._by_policy(place) if at is None else at


def _columns(topic: str, rows: list[tuple[int, StoredRecord]]) -> Records:
    records = [record for _, record in rows]
    return Records(
        topic=topic,
        partitions=np.array([partition for partition, _ in rows], np.int32),
        offsets=np.array([record.offset for record in records], np.int64),
        timestamps=np.array([record.timestamp for record in records], np.int64),
        keys=[record.key for record in records],
        values=[record.value for record in records],
        headers=[record.headers for record in records],
    )
