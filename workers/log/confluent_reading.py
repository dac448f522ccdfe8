"""What a consumer of librdkafka gives: records, and in between what it says of partitions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple, cast

import numpy as np
import structlog
from confluent_kafka import KafkaError, Message

from workers.errors import LogUnavailableError, UndecodableError
from workers.log.confluent_headers import HeaderReader, headers_of
from workers.log.confluent_spoilt import undecodable
from workers.log.connection import Connection
from workers.log.contract import Headers, Records, TopicPartition

journal = structlog.get_logger(__name__)

_END: Final = KafkaError._PARTITION_EOF  # noqa: SLF001 - the name that confluent-kafka gives it
_SPOILT: Final = (KafkaError._BAD_MSG, KafkaError._BAD_COMPRESSION)  # noqa: SLF001
# What librdkafka never says of a partition, and we do: read again from there.
_AGAIN: Final = KafkaError._RETRY  # noqa: SLF001


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
        self._odd_headers = HeaderReader(connection, topic)
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
        headers, unread = headers_of(messages)
        if unread:
            messages, headers = self._completed(messages, headers, unread, events)
        records = columns(self._topic, messages, headers)
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
        if event.error.code() == _AGAIN:
            return event.offset
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

    def close(self) -> None:
        """Let go of connections."""
        self._odd_headers.close()

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

    def _completed(
        self,
        messages: list[Message],
        headers: list[Headers],
        unread: list[int],
        events: list[Event],
    ) -> tuple[list[Message], list[Headers]]:
        """Complete the headers of the messages at these indices.

        Where that cannot be done just now, their partitions end before them, and are to be read
        again from there.
        """
        places = [_place(messages[row]) for row in unread]
        try:
            found = self._odd_headers.read(frozenset(places))
        except LogUnavailableError as error:
            journal.warning("headers cannot be read just now; trying again", reason=str(error))
            again: dict[int, int] = {}
            for partition, offset in places:
                again.setdefault(partition, offset)
            # What was said of records behind comes up again.
            events[:] = [
                event
                for event in events
                if event.place.partition not in again or event.error.code() not in (_END, *_SPOILT)
            ]
            events += [
                Event(TopicPartition(self._topic, partition), offset, KafkaError(_AGAIN))
                for partition, offset in again.items()
            ]
            kept = [
                row
                for row, (partition, offset) in enumerate(map(_place, messages))
                if partition not in again or offset < again[partition]
            ]
            return [messages[row] for row in kept], [headers[row] for row in kept]
        for row, place in zip(unread, places, strict=True):
            headers[row] = found.get(place, ())
        return messages, headers


def _place(message: Message) -> tuple[int, int]:
    """Partition and offset of a message that is a record."""
    return cast("tuple[int, int]", (message.partition(), message.offset()))


def columns(topic: str, messages: list[Message], headers: list[Headers]) -> Records:
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
        headers=headers,
    )
