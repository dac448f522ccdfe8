"""Reads spans of a cluster's topics without a group: nothing is joined, nothing is committed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Self

from kafka import TopicPartition as KafkaPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, OffsetOutOfRangeError

from workers.errors import LogUnavailableError
from workers.log.connection import Connection
from workers.log.contract import Records
from workers.log.kafka_client import admin, connect
from workers.log.kafka_consumer import Consumer
from workers.log.kafka_errors import translate
from workers.log.kafka_options import consumer_options
from workers.log.kafka_source import columns
from workers.log.spans import Unread

# What one poll gives at most: enough that its own cost does not count.
_POLL_ROWS: Final = 5_000
_POLL_MS: Final = 500
_MOST_BYTES: Final = 2**31 - 1
_LOOKUP_MS: Final = 10_000

# Records of a transaction come once it has ended. A worker that lives ends one in seconds.
_OPEN_S: Final = 10.0
# A broker that is being restarted is found again in less.
_STALL_S: Final = 60.0

_CLEANUP_POLICY: Final = "cleanup.policy"

_Ends = dict[KafkaPartition, int]


class KafkaSpans:
    """`workers.log.spans.SpanReader` on kafka-python's consumer; a context manager.

    Args:
        connection: How to reach the cluster, and whether records of transactions that are open
            or aborted are read.
        open_transaction_s: Seconds without a record after which those behind an open transaction
            are given up.

    Raises:
        WorkerError: as `workers.log.kafka_client.connect`.
    """

    def __init__(self, connection: Connection, *, open_transaction_s: float = _OPEN_S) -> None:
        self._connection = connection
        self._open_transaction_s = open_transaction_s
        alone = replace(connection, group_instance_id=None)
        # A batch of records may be as large as its topic allows, whatever was asked for.
        options = {"receive_message_max_bytes": _MOST_BYTES} | consumer_options(alone)
        options["group_id"] = None
        self._consumer, _ = connect(Consumer, options)
        self._unread: list[Unread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close(autocommit=False, timeout_ms=0)

    @property
    def unread(self) -> list[Unread]:
        """See `workers.log.spans.SpanReader`."""
        return self._unread

    def compacted(self, topic: str) -> bool:
        """See `workers.log.spans.SpanReader`; False where the topic's settings may not be read."""
        wanted = [ConfigResource(ConfigResourceType.TOPIC, topic, [_CLEANUP_POLICY])]
        with admin(self._connection) as client:
            configs = client.describe_configs(wanted, config_filter="all").get("topic", {})
        policy = configs.get(topic, {}).get(_CLEANUP_POLICY, {}).get("value")
        return "compact" in str(policy or "").split(",")

    def read(self, topic: str, spans: Mapping[int, tuple[int, int]]) -> Iterator[Records]:
        """See `workers.log.spans.SpanReader`."""
        begins = {number: begin for number, (begin, end) in spans.items() if begin < end}
        left = {KafkaPartition(topic, number): spans[number][1] for number in begins}
        if not left:
            return
        consumer = self._consumer
        consumer.assign(list(left))
        consumer.resume(*left)
        for place in left:
            consumer.seek(place, begins[place.partition])
        heard = time.monotonic()
        while left:
            rows = self._poll(topic, left)
            if rows:
                yield columns(topic, rows)
            if self._let_go_of_ended(left) or rows:
                heard = time.monotonic()
            else:
                self._waited(time.monotonic() - heard, left)

    def _poll(self, topic: str, left: _Ends) -> list[Any]:
        """What has come of the spans that are left."""
        fetched: dict[KafkaPartition, list[Any]] = {}
        try:
            fetched = self._consumer.poll(timeout_ms=_POLL_MS, max_records=_POLL_ROWS)
        except OffsetOutOfRangeError as error:
            self._skip_removed(error.args[0], left)
        except (KafkaError, OSError) as error:
            raise translate(error, f"reading topic '{topic}'") from error
        return [
            row
            for place, some in fetched.items()
            if place in left
            for row in _before(some, left[place])
        ]

    def _let_go_of_ended(self, left: _Ends) -> bool:
        """Whether a span has been read to its end, which then is left no more."""
        ended = [
            place
            for place, at in self._consumer.consumed().items()
            if place in left and at.offset >= left[place]
        ]
        for place in ended:
            self._consumer.pause(place)
            del left[place]
        return bool(ended)

    def _waited(self, seconds: float, left: _Ends) -> None:
        """Nothing has come for so long: give up what an open transaction holds back, or all."""
        if seconds < self._open_transaction_s:
            return
        try:
            stable = self._consumer.end_offsets(list(left), timeout_ms=_LOOKUP_MS)
        except (KafkaError, OSError):
            stable = {}  # the cluster is away: it may come back
        consumed = self._consumer.consumed()
        for place, reached in stable.items():
            if place in consumed and consumed[place].offset >= reached:
                self._consumer.pause(place)
                self._give_up(place, consumed[place].offset, left.pop(place), removed=False)
        if left and seconds >= _STALL_S:
            places = ", ".join(f"{place.topic}[{place.partition}]" for place in left)
            raise LogUnavailableError(
                f"nothing came from {places} for {seconds:.0f} seconds; check that every "
                "partition has a leader (weir topics describe)"
            )

    def _skip_removed(self, positions: Mapping[KafkaPartition, int], left: _Ends) -> None:
        """Go on with the first record that is still there, or past the span."""
        places = [place for place in positions if place in left]
        try:
            begins = self._consumer.beginning_offsets(places, timeout_ms=_LOOKUP_MS)
        except (KafkaError, OSError) as error:
            raise translate(error, "looking up what retention has left") from error
        for place in places:
            at, end = positions[place], left[place]
            # A position after the end is none that retention has made: the topic is another.
            begin = begins[place] if begins[place] > at else end
            self._give_up(place, at, min(begin, end), removed=True)
            if begin < end:
                self._consumer.seek(place, begin)
            else:
                self._consumer.pause(place)
                del left[place]

    def _give_up(self, place: KafkaPartition, begin: int, end: int, *, removed: bool) -> None:
        self._unread.append(
            Unread(
                topic=place.topic, partition=place.partition, begin=begin, end=end, removed=removed
            )
        )


def _before(rows: list[Any], end: int) -> list[Any]:
    """Those of a partition's rows that stand before ``end``."""
    if not rows or rows[-1].offset < end:
        return rows
    return [row for row in rows if row.offset < end]
