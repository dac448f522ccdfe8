"""Reads the headers of librdkafka's records, those too that confluent-kafka cannot give.

The names of headers are UTF-8 by the protocol, but brokers do not look. At another name
confluent-kafka 2.16.1 (``c_headers_to_py``) sets UnicodeDecodeError, leaves a null pointer where
the name would be, and returns the list all the same, which the message keeps. So

- a message is asked only once: the second time it gives that list, and who touches the null
  pointer crashes; and
- it is asked through `map`, which looks whether an error was set. The bytecode of a call does not
  where it was specialised (Python 3.11 and later), and the error comes up somewhere behind it.

What could not be given is read through kafka-python, as its own source would read it
(`workers.log.kafka_headers`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final, cast

import structlog
from confluent_kafka import Message

from workers.errors import WorkerError
from workers.log.connection import Connection
from workers.log.contract import Headers

if TYPE_CHECKING:
    from workers.log.kafka_spans import KafkaSpans

journal = structlog.get_logger(__name__)

_NONE: Final[Headers] = ()


def headers_of(messages: Sequence[Message]) -> tuple[list[Headers], list[int]]:
    """The headers of each message, which must not have been asked for them before.

    Returns:
        The headers, and the indices of the messages that could not give theirs.
    """
    headers: list[Headers] = []
    unread: list[int] = []
    asked = cast("Iterator[Headers | None]", map(Message.headers, messages))
    while len(headers) < len(messages):
        try:
            for one in asked:
                headers.append(one or _NONE)  # noqa: PERF401 - those before an error stay
        except (SystemError, UnicodeDecodeError):
            unread.append(len(headers))
            headers.append(_NONE)
    return headers, unread


class HeaderReader:
    """Reads headers of records of one topic through kafka-python.

    Its consumer is kept for the next time: where such names come at all, many come, and to find
    the cluster takes ten times as long as to read some records.

    Args:
        connection: How to reach the cluster.
        topic: Where the records are.
    """

    def __init__(self, connection: Connection, topic: str) -> None:
        self._connection = connection
        self._topic = topic
        self._spans: KafkaSpans | None = None

    def read(self, wanted: Collection[tuple[int, int]]) -> dict[tuple[int, int], Headers]:
        """Read the headers of records.

        Args:
            wanted: Their partitions and offsets.

        Returns:
            By partition and offset, those that are still there and can be read.

        Raises:
            LogUnavailableError: the cluster cannot be reached just now; calling again is right.
        """
        found: dict[tuple[int, int], Headers] = {}
        reason = "the records are no longer there"
        try:
            for records in self._opened().read(self._topic, _around(wanted)):
                places = zip(records.partitions.tolist(), records.offsets.tolist(), strict=True)
                read = zip(places, records.headers, strict=True)
                found.update((place, headers) for place, headers in read if place in wanted)
        except WorkerError as error:
            self.close()
            if error.retriable:
                raise
            reason = str(error)
        if len(found) < len(wanted):
            journal.warning(
                "headers with a name that is no UTF-8 cannot be read; their events go on without",
                topic=self._topic,
                records=len(wanted) - len(found),
                reason=reason,
            )
        return found

    def close(self) -> None:
        """Let go of the connections."""
        if self._spans is not None:
            self._spans.close()
            self._spans = None

    def _opened(self) -> KafkaSpans:
        if self._spans is None:
            from workers.log.kafka_spans import KafkaSpans  # noqa: PLC0415 - seldom wanted

            self._spans = KafkaSpans(self._connection)
        return self._spans


def _around(wanted: Collection[tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """By partition, the first offset and the one after the last."""
    spans: dict[int, tuple[int, int]] = {}
    for partition, offset in sorted(wanted):
        first, _ = spans.get(partition, (offset, 0))
        spans[partition] = (first, offset + 1)
    return spans
