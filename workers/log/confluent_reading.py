"""What a consumer of librdkafka gives: records, and in between what it says of partitions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple, cast

import numpy as np
from confluent_kafka import KafkaError, Message

from workers.errors import UndecodableError
from workers.log.confluent_spoilt import undecodable
from workers.log.connection import Connection
from workers.log.contract import Headers, Records, TopicPartition

_END: Final = KafkaError._PARTITION_EOF  # noqa: SLF001 - the name that confluent-kafka gives it
_SPOILT: Final = (KafkaError._BAD_MSG, KafkaError._BAD_COMPRESSION)  # noqa: SLF001


class Event(NamedTuple):
    """What was said of a partition, or of the topic.

    Attributes:
        place: Which; a negative partition is the topic.
        offset: Where; negative for nowhere.
        error: What.
    """

    place: TopicPartition
    offset: int
    error: KafkaError


class Reading:
    """How far the partitions of one topic are read.

    Args:
        topic: Its name.
        connection: How to reach the cluster.

    Attributes:
        positions: Where each partition is read on, as far as that is known.
    """

    def __init__(self, topic: str, connection: Connection) -> None:
        self._topic = topic
        self._connection = connection
        # Those that came up last, of each partition, and those that are still to be told.
        self._known: dict[TopicPartition, UndecodableError] = {}
        self._spoilt: dict[TopicPartition, UndecodableError] = {}
        self.positions: dict[TopicPartition, int] = {}

    def take(
        self, messages: list[Message], held: Collection[TopicPartition] | None
    ) -> tuple[Records, list[Event]]:
        """Tell records from events.

        librdkafka says of a batch that it cannot decode it, and reads on behind it; records from
        there are left out here, and whoever reads must go back.

        Args:
            messages: In the order in which they came.
            held: Partitions that are ours; None for those of all messages.
        """
        events: list[Event] = []
        # Whether there is a message among them that is none costs a look at each.
        if held is not None or any(map(Message.error, messages)):
            messages = self._sorted_out(messages, held, events)
        records = columns(self._topic, messages)
        # Of several records of a partition the last one stays.
        last = dict(zip(records.partitions.tolist(), records.offsets.tolist(), strict=True))
        for partition, offset in last.items():
            self.positions[TopicPartition(self._topic, partition)] = offset + 1
        for event in events:
            if event.error.code() == _END:
                # Past gaps, behind all records that came with it.
                at = max(event.offset, self.positions.get(event.place, 0))
                self.positions[event.place] = at
        return records, [event for event in events if event.error.code() != _END]

    def came_upon(self, event: Event) -> int | None:
        """Remember a batch that cannot be decoded; return where to read again.

        None where it is something else that was said.
        """
        if event.error.code() not in _SPOILT:
            return None
        place, offset = event.place, event.offset
        known = self._known.get(place)
        if known is None or not known.first <= offset <= known.last:
            known = undecodable(self._connection, place, offset, event.error)
        self._known[place] = self._spoilt[place] = known
        return max(known.first, self.positions.get(place, 0))

    def raise_spoilt(self) -> None:
        """Raise, once each, that batches cannot be decoded.

        Raises:
            UndecodableError: one of them.
        """
        for place in list(self._spoilt):
            raise self._spoilt.pop(place)

    def moved(self, place: TopicPartition, offset: int) -> None:
        """A partition is read on from here; a negative offset is one that is not known yet."""
        if offset < 0:
            self.positions.pop(place, None)
        else:
            self.positions[place] = offset

    def forgive(self, place: TopicPartition) -> None:
        """What cannot be decoded of a partition is known already."""
        self._spoilt.pop(place, None)

    def forget(self, place: TopicPartition) -> None:
        """A partition is not read any more."""
        self.forgive(place)
        self._known.pop(place, None)
        self.positions.pop(place, None)

    def _sorted_out(
        self,
        messages: list[Message],
        held: Collection[TopicPartition] | None,
        events: list[Event],
    ) -> list[Message]:
        kept: list[Message] = []
        spoilt: set[int] = set()
        for message in messages:
            partition = message.partition()
            partition = -1 if partition is None else partition
            place = TopicPartition(self._topic, partition)
            if held is not None and partition >= 0 and place not in held:
                continue
            error = message.error()
            if error is None:
                if partition not in spoilt:
                    kept.append(message)
                continue
            offset = message.offset()
            if error.code() in _SPOILT:
                if partition in spoilt:
                    continue
                spoilt.add(partition)
            elif error.code() == _END and partition in spoilt:
                continue
            events.append(Event(place, -1 if offset is None else offset, error))
        return kept


def columns(topic: str, messages: list[Message]) -> Records:
    """The client's records as columns, in the same order."""
    count = len(messages)
    return Records(
        topic=topic,
        partitions=np.fromiter(map(Message.partition, messages), np.int32, count),
        offsets=np.fromiter(map(Message.offset, messages), np.int64, count),
        timestamps=np.fromiter(
            (at if kind else -1 for kind, at in map(Message.timestamp, messages)), np.int64, count
        ),
        keys=list(map(Message.key, messages)),
        values=list(map(Message.value, messages)),
        headers=cast("list[Headers]", [one or () for one in map(Message.headers, messages)]),
    )
