"""What kafka-python says where there is no position to read from, and moving on from there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kafka import KafkaConsumer
from kafka import TopicPartition as KafkaPartition
from kafka.errors import (
    KafkaError,
    LogTruncationError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from workers.log.connection import Connection
from workers.log.contract import TopicPartition
from workers.log.reset_policy import ResetPolicy

LOOKUP_MS: Final = 5_000


class PositionReset:
    """Finds a new position for partitions whose position does not exist (any more).

    The client would do it by itself, without a word; so it is told not to (its
    ``auto_offset_reset`` is ``none``), and raises instead.

    Args:
        consumer: Whose positions.
        connection: Says the policy and the group.
    """

    def __init__(self, consumer: KafkaConsumer, connection: Connection) -> None:
        self._consumer = consumer
        self._policy = ResetPolicy(connection.auto_offset_reset, connection.group_id)

    def handle(self, error: KafkaError) -> None:
        """Move the partitions that an error of `KafkaConsumer.poll` names.

        Raises:
            PositionLostError: the policy is to stop.
            KafkaError: ends of the log cannot be looked up just now; poll again.
        """
        match error:
            case NoOffsetForPartitionError():
                self._begin(error.args[0])
            case OffsetOutOfRangeError():
                self._out_of_range(error.args[0])
            case LogTruncationError():
                self._truncated(error.divergent_offsets)

    def _begin(self, partitions: Iterable[KafkaPartition]) -> None:
        places = self._ours(partitions)
        if places:
            self._policy.nothing_committed(TopicPartition(*place) for place in places)
        for place in places:
            self._move(place, None)

    def _out_of_range(self, positions: Mapping[KafkaPartition, int]) -> None:
        places = self._ours(positions)
        if not places:
            return
        begins = self._consumer.beginning_offsets(places, timeout_ms=LOOKUP_MS)
        ends = self._consumer.end_offsets(places, timeout_ms=LOOKUP_MS)
        for place in places:
            at, begin, end = positions[place], begins[place], ends[place]
            self._move(place, self._policy.out_of_range(TopicPartition(*place), at, begin, end))

    def _truncated(self, divergent: Mapping[KafkaPartition, Any]) -> None:
        for place in self._ours(divergent):
            known = divergent[place]
            parted_at = None if known is None else known.offset
            self._move(place, self._policy.truncated(TopicPartition(*place), parted_at))

    def _ours(self, partitions: Iterable[KafkaPartition]) -> list[KafkaPartition]:
        return sorted(set(partitions) & self._consumer.assignment())

    def _move(self, place: KafkaPartition, offset: int | None) -> None:
        if offset is not None:
            self._consumer.seek(place, offset)
        elif self._policy.earliest:
            self._consumer.seek_to_beginning(place)
        else:
            self._consumer.seek_to_end(place)
