"""Transactions of the in-process log: all is written under one lock, or nothing."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from workers.errors import AssignmentLostError, ConfigurationError, LogUnavailableError
from workers.log.contract import Outgoing, TopicPartition
from workers.log.memory_broker import MemoryBroker
from workers.log.partitioning import Partitioner
from workers.log.transactions import Positions


class MemoryTransactions:
    """`workers.log.transactions.Transactions` on a `MemoryBroker`."""

    def __init__(
        self,
        broker: MemoryBroker,
        name: str | None = None,
        notes: Mapping[TopicPartition, str] | None = None,
    ) -> None:
        self._broker = broker
        self._notes = notes or {}
        self._name = name or uuid.uuid4().hex
        self._partitioner = Partitioner()
        # What a transaction was to commit whose end was not told.
        self._unanswered: Positions | None = None
        with broker.changed:
            broker.transactors[self._name] = self

    def commit(
        self,
        outgoing: Sequence[Outgoing],
        positions: Positions,
        timeout: float,  # noqa: ARG002 - nothing waits here
    ) -> Sequence[Mapping[int, Exception]]:
        """See `workers.log.transactions.Transactions`; never waits."""
        broker = self._broker
        with broker.changed:
            broker.check_reachable()
            if broker.transactors[self._name] is not self:
                raise ConfigurationError(
                    f"transactions '{self._name}': somebody else has taken over the name"
                )
            unanswered, self._unanswered = self._unanswered, None
            if unanswered == positions and self._are_committed(positions):
                return []
            self._check_members(positions)
            refused = [broker.refusals(rows) for rows in outgoing]
            if any(refused):
                return refused
            committed = broker.lost_answers.popleft() if broker.lost_answers else None
            if committed is not False:
                self._write(outgoing, positions)
            if committed is not None:
                self._unanswered = positions
                raise LogUnavailableError("the in-process log does not tell how it ended")
        return []

    def max_record_bytes(self, topic: str) -> int:
        """See `workers.log.transactions.Transactions`."""
        return self._broker.topic(topic).max_message_bytes

    def close(self, timeout: float) -> None:
        """See `workers.log.transactions.Transactions`; nothing is ever under way."""

    def _check_members(self, positions: Positions) -> None:
        for member in positions:
            group = self._broker.groups[member.group_id]
            if member.member_id and not group.has(member.member_id, member.generation):
                raise AssignmentLostError(
                    f"group '{member.group_id}' has gone on from generation {member.generation}"
                )

    def _are_committed(self, positions: Positions) -> bool:
        return all(
            self._broker.groups[member.group_id].committed.get(place, -1) >= offset
            for member, offsets in positions.items()
            for place, offset in offsets.items()
        )

    def _write(self, outgoing: Sequence[Outgoing], positions: Positions) -> None:
        for rows in outgoing:
            count = len(self._broker.topic(rows.topic).partitions)
            self._broker.write(rows, self._partitioner.assign(rows, count, list(range(count))))
        for member, offsets in positions.items():
            self._broker.groups[member.group_id].commit(offsets, self._notes)
        self._broker.changed.notify_all()
