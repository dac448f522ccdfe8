"""A member of a Kafka consumer group (KIP-429 cooperative rebalances, static members too)."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

import numpy as np
import structlog
from kafka import KafkaConsumer, OffsetAndMetadata
from kafka import TopicPartition as KafkaPartition
from kafka.errors import (
    KafkaError,
    LogTruncationError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
)

from workers.errors import AssignmentLostError, LogError, TopicMissingError, UndecodableError
from workers.log import topics
from workers.log.connection import Connection
from workers.log.contract import AssignmentListener, Membership, Records, TopicPartition
from workers.log.kafka_client import await_metadata, connect
from workers.log.kafka_consumer import Consumer
from workers.log.kafka_errors import translate
from workers.log.kafka_options import consumer_options
from workers.log.kafka_positions import PositionReset
from workers.log.kafka_rebalance import RebalanceBridge

journal = structlog.get_logger(__name__)

# A commit that gets no answer for so long is given up: the next one covers it.
COMMIT_MS: Final = 10_000
# Leaving the group is a courtesy: without it the session times out.
LEAVE_MS: Final = 5_000
# So is waiting for a join that has just begun.
JOIN_S: Final = 2.0
JOIN_POLL_MS: Final = 50
LOOKUP_MS: Final = 5_000
# A broker that has just started may not know its topics for some seconds; one that has been
# deleted stays unknown.
FORGETTING_S: Final = 30.0


class KafkaSource:
    """`workers.log.contract.Source` on kafka-python's consumer.

    The listener is told on a thread of its own, while `poll` or `close` waits for it.

    What is fetched and not polled yet is bounded, too: the client asks a broker again only for
    partitions of which it has nothing left, and gets ``max.partition.fetch.bytes`` of each (1 MiB)
    or one batch of records if that is larger, which never more than one partition's is in one
    answer (KIP-74). On a topic of pages that is a page a partition at the most, beside 1 MiB of
    each.

    Args:
        connection: How to reach the cluster, and its group.
        notes: Metadata of the positions that are committed.
    """

    def __init__(
        self, connection: Connection, notes: Mapping[TopicPartition, str] | None = None
    ) -> None:
        self._connection = connection
        self._notes = notes or {}
        self._topic = ""
        self._known_at = 0.0
        self._paused = False
        self._held: frozenset[KafkaPartition] = frozenset()
        self._consumer: Consumer | None = None
        self._bridge: RebalanceBridge | None = None
        self._reset: PositionReset | None = None

    def subscribe(self, topic: str, listener: AssignmentListener) -> None:
        """See `workers.log.contract.Source`."""
        largest = topics.facts(self._connection, topic).max_message_bytes
        options = consumer_options(self._connection)
        # Brokers send a batch that is larger than what was asked for; the client takes an answer
        # of this length, and the batch must fit.
        asked = options.get("fetch_max_bytes", KafkaConsumer.DEFAULT_CONFIG["fetch_max_bytes"])
        options["fetch_max_bytes"] = max(asked, largest)
        consumer, network = connect(Consumer, options)
        bridge = RebalanceBridge(listener, network, self._newly_assigned)
        try:
            consumer.subscribe([topic], listener=bridge)
            await_metadata(network, topic)
        except BaseException:
            consumer.close(autocommit=False, timeout_ms=0)
            raise
        self._topic = topic
        self._known_at = time.monotonic()
        self._bridge = bridge
        self._reset = PositionReset(consumer, self._connection)
        self._consumer = consumer

    def poll(self, max_records: int, timeout: float) -> Records:
        """See `workers.log.contract.Source`."""
        consumer, bridge = self._joined()
        deadline = time.monotonic() + timeout
        while True:
            left = max(0.0, deadline - time.monotonic())
            fetched: dict[KafkaPartition, list[Any]] = {}
            try:
                fetched = consumer.poll(timeout_ms=int(left * 1000), max_records=max_records)
            except (NoOffsetForPartitionError, OffsetOutOfRangeError, LogTruncationError) as error:
                self._reposition(error)
            except (KafkaError, OSError) as error:
                bridge.raise_failure()
                raise translate(error, f"reading topic '{self._topic}'") from error
            bridge.raise_failure()
            if not fetched:
                self._check_topic(consumer)
            if fetched or time.monotonic() >= deadline:
                return columns(self._topic, [row for batch in fetched.values() for row in batch])

    def positions(self) -> Mapping[TopicPartition, int]:
        """See `workers.log.contract.Source`."""
        consumer, _ = self._joined()
        return {
            TopicPartition(place.topic, place.partition): at.offset
            for place, at in consumer.consumed().items()
        }

    def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """See `workers.log.contract.Source`."""
        consumer, bridge = self._joined()
        held = consumer.assignment() | bridge.leaving
        ours = {
            KafkaPartition(*place): OffsetAndMetadata(offset, self._notes.get(place, ""), -1)
            for place, offset in positions.items()
            if place in held
        }
        if ours:
            try:
                consumer.commit(ours, timeout_ms=COMMIT_MS)
            except (KafkaError, OSError) as error:
                raise translate(error, f"committing positions of '{self._topic}'") from error
        if len(ours) < len(positions):
            lost = sorted(place.partition for place in positions if place not in held)
            raise AssignmentLostError(
                f"partitions {lost} of '{self._topic}' are no longer assigned to this member; "
                "their positions were not committed"
            )

    def pause(self) -> None:
        """See `workers.log.contract.Source`."""
        consumer, _ = self._joined()
        self._paused = True
        consumer.pause(*consumer.assignment())

    def resume(self) -> None:
        """See `workers.log.contract.Source`."""
        consumer, _ = self._joined()
        self._paused = False
        consumer.resume(*(consumer.assignment() - self._held))

    def hold(self, partitions: Collection[TopicPartition]) -> None:
        """See `workers.log.contract.Source`."""
        consumer, _ = self._joined()
        self._held = frozenset(KafkaPartition(*place) for place in partitions)
        assigned = consumer.assignment()
        consumer.pause(*(assigned & self._held))
        if not self._paused:
            consumer.resume(*(assigned - self._held))

    def skip(self, place: TopicPartition, offset: int) -> None:
        """See `workers.log.contract.Source`."""
        consumer, _ = self._joined()
        if place in consumer.assignment():
            consumer.seek(KafkaPartition(*place), offset)

    def membership(self) -> Membership:
        """See `workers.log.contract.Source`."""
        consumer, _ = self._joined()
        known = consumer.group_metadata()
        if known.generation_id < 0 or not known.member_id:
            # Such positions would be taken from anybody.
            raise AssignmentLostError(f"no member of group '{known.group_id}' just now")
        return Membership(
            group_id=known.group_id,
            generation=known.generation_id,
            member_id=known.member_id,
            instance_id=known.group_instance_id,
        )

    def reachable(self) -> bool:
        """See `workers.log.contract.Source`: whether a broker is connected."""
        consumer, _ = self._joined()
        return consumer.connected()

    def lag(self) -> Mapping[TopicPartition, int]:
        """See `workers.log.contract.Source`; ends are as of the last fetch."""
        consumer, _ = self._joined()
        consumed = consumer.consumed()
        ends = {place: consumer.highwater(place) for place in consumed}
        if unknown := [place for place, end in ends.items() if end is None]:
            try:
                ends |= consumer.end_offsets(unknown, timeout_ms=LOOKUP_MS)
            except (KafkaError, OSError) as error:
                raise translate(error, f"looking up the end of '{self._topic}'") from error
        return {
            TopicPartition(place.topic, place.partition): max(0, ends[place] - at.offset)
            for place, at in consumed.items()
        }

    def close(self) -> None:
        """See `workers.log.contract.Source`."""
        if self._consumer is None or self._bridge is None:
            return
        try:
            self._join_wholly(self._consumer)
            # The listener is told from inside, and may still commit.
            self._consumer.close(autocommit=False, timeout_ms=LEAVE_MS)
        except (KafkaError, OSError) as error:
            journal.warning("leaving the group failed; its session will time out", error=str(error))
        finally:
            self._consumer = None
        self._bridge.raise_failure()

    def _joined(self) -> tuple[Consumer, RebalanceBridge]:
        if self._consumer is None or self._bridge is None:
            raise LogError("the source is not subscribed, or closed")
        return self._consumer, self._bridge

    def _join_wholly(self, consumer: Consumer) -> None:
        """End a join that has just begun: the group would wait for its other half."""
        deadline = time.monotonic() + JOIN_S
        with suppress(KafkaError, OSError, UndecodableError):
            while consumer.half_joined() and time.monotonic() < deadline:
                consumer.poll(timeout_ms=JOIN_POLL_MS)

    def _check_topic(self, consumer: Consumer) -> None:
        """Find out why nothing comes, where the client does not tell.

        Raises:
            AuthorisationError: we may not read the topic any more.
            TopicMissingError: it is there no more.
        """
        if consumer.refuses(self._topic):
            error = TopicAuthorizationFailedError({self._topic})
            raise translate(error, f"reading topic '{self._topic}'")
        now = time.monotonic()
        if consumer.knows(self._topic) or not consumer.connected():
            self._known_at = now
        elif now - self._known_at > FORGETTING_S:
            raise TopicMissingError(
                f"topic '{self._topic}' does not exist any more; create it (weir topics create) "
                "and start the worker again. What it held and was not judged is gone with it"
            )

    def _newly_assigned(self, partitions: Iterable[TopicPartition]) -> None:
        if self._consumer is not None:
            places = [KafkaPartition(*place) for place in partitions]
            self._consumer.pause(
                *(place for place in places if self._paused or place in self._held)
            )

    def _reposition(self, error: KafkaError) -> None:
        if self._reset is None:
            raise error
        try:
            self._reset.handle(error)
        except (KafkaError, OSError) as failure:
            raise translate(failure, f"looking up positions of '{self._topic}'") from failure


def columns(topic: str, rows: list[Any]) -> Records:
    """The client's records as columns, in the same order."""
    count = len(rows)
    return Records(
        topic=topic,
        partitions=np.fromiter((row.partition for row in rows), np.int32, count),
        offsets=np.fromiter((row.offset for row in rows), np.int64, count),
        timestamps=np.fromiter((row.timestamp for row in rows), np.int64, count),
        keys=[row.key for row in rows],
        values=[row.value for row in rows],
        headers=[row.headers for row in rows],
    )
