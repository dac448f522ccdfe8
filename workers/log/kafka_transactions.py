"""Transactions on Kafka: rows and positions at once, or nothing (KIP-98, KIP-447)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, Final

import structlog
from kafka import OffsetAndMetadata
from kafka import TopicPartition as KafkaPartition
from kafka.errors import (
    InvalidProducerEpochError,
    InvalidTransactionTimeoutError,
    KafkaError,
    ProducerFencedError,
)
from kafka.structs import ConsumerGroupMetadata

from workers.errors import (
    ConfigurationError,
    LogError,
    LogUnavailableError,
    RecordTooLargeError,
    WorkerError,
)
from workers.log.connection import Connection
from workers.log.contract import Membership, Outgoing, TopicPartition
from workers.log.kafka_client import connect
from workers.log.kafka_committed import Positions, are_committed
from workers.log.kafka_errors import translate
from workers.log.kafka_limits import TopicLimits
from workers.log.kafka_options import transaction_options
from workers.log.kafka_producer import Producer, sendable
from workers.log.partitioning import Partitioner
from workers.log.sendable import largest_row, unsendable

journal = structlog.get_logger(__name__)

# An abort is a courtesy to readers, who wait for the transaction's end: whoever comes next under
# this name, or the transaction's timeout, ends it as well.
_ABORT_SECONDS: Final = 5.0


class KafkaTransactions:
    """`workers.log.contract.Transactions` on kafka-python's producer.

    A producer that met an error is replaced. Its successor takes over the name, which ends
    whatever was left open, one way or the other; if the error came while the transaction was
    being committed, positions tell which way it was.
    """

    def __init__(
        self,
        connection: Connection,
        name: str | None = None,
        notes: Mapping[TopicPartition, str] | None = None,
    ) -> None:
        self._connection = connection
        self._notes = notes or {}
        # Fences of a name that nobody else has come from the cluster: the transaction timed out.
        self._own = name is None
        self._name = name or f"{connection.group_id}-{uuid.uuid4().hex}"
        self._options = transaction_options(connection, self._name)
        self._limits = TopicLimits(connection, self._options)
        self._partitioner = Partitioner()
        self._lock = Lock()
        self._producer: Producer | None = None
        self._begun = self._closed = False
        # Whether the last transaction failed, perhaps because a topic is not there any more.
        self._failed = False
        # What was to be committed when the answer stayed away.
        self._unanswered: Positions | None = None

    def commit(
        self, outgoing: Sequence[Outgoing], positions: Positions, timeout: float
    ) -> Sequence[Mapping[int, Exception]]:
        """See `workers.log.contract.Transactions`."""
        deadline = time.monotonic() + timeout
        if not self._lock.acquire(timeout=timeout):
            raise LogUnavailableError("another transaction of this replica is still under way")
        try:
            with self._errors_told():
                producer = self._opened(deadline)
                if self._was_committed(positions):
                    return []
                if self._failed:
                    for rows in outgoing:
                        self._limits.confirm(rows.topic)
                refused = [self._unsendable(rows) for rows in outgoing]
                if any(refused):
                    return refused
                return self._transact(producer, outgoing, positions, deadline)
        finally:
            self._lock.release()

    def max_record_bytes(self, topic: str) -> int:
        """See `workers.log.contract.Transactions`."""
        return self._limits.max_record_bytes(topic)

    def close(self, timeout: float) -> None:
        """See `workers.log.contract.Transactions`."""
        deadline = time.monotonic() + timeout
        self._closed = True
        quiet = self._lock.acquire(timeout=timeout)
        try:
            producer, self._producer = self._producer, None
            if producer is not None:
                if quiet and self._begun:
                    self._abort(producer)
                producer.end(max(0.0, deadline - time.monotonic()))
        finally:
            if quiet:
                self._lock.release()

    def _opened(self, deadline: float) -> Producer:
        """The producer of the moment; a new one ends what its predecessor left open."""
        if self._closed:
            raise LogError("the transactions are closed")
        if self._producer is not None:
            return self._producer
        made: Producer
        made, _ = connect(Producer, self._options)
        try:
            made.init_within(max(0.0, deadline - time.monotonic()))
        except BaseException:
            made.end(0.0)
            raise
        self._producer = made
        return made

    def _transact(
        self, producer: Producer, outgoing: Sequence[Outgoing], positions: Positions, until: float
    ) -> Sequence[Mapping[int, Exception]]:
        def left() -> float:
            return max(0.0, until - time.monotonic())

        self._begun = True
        try:
            self._publish(producer, outgoing, left)
        except (KafkaError, WorkerError) as error:
            fault = translate(producer.fault or error, "publishing")
            if not isinstance(fault, RecordTooLargeError):
                raise
            self._give_up()
            return self._refused(outgoing, fault)
        for member, offsets in positions.items():
            producer.add_offsets(self._offsets(offsets), _metadata(member), left())
        self._unanswered = positions
        producer.commit_within(left())
        self._unanswered = None
        self._begun = self._failed = False
        return []

    def _publish(
        self, producer: Producer, outgoing: Sequence[Outgoing], left: Callable[[], float]
    ) -> None:
        """Send all rows; return when all are acknowledged.

        Raises:
            KafkaError: one is not.
        """
        producer.begin_transaction()
        futures = [future for rows in outgoing for future in self._send(producer, rows)]
        # Not the client's flush, which fails where it has split a batch that was too large.
        for future in futures:
            if not future.is_done or future.exception is not None:
                future.get(timeout=left())

    def _refused(
        self, outgoing: Sequence[Outgoing], error: RecordTooLargeError
    ) -> Sequence[Mapping[int, Exception]]:
        """Which rows are too large, once the broker has found one."""
        for rows in outgoing:
            self._limits.forget(rows.topic)
        known = [self._unsendable(rows) for rows in outgoing]
        if any(known):
            return known
        # What the topic says it takes has not changed, so it must be the largest.
        guilty, row = largest_row(outgoing)
        return [{row: error} if place == guilty else {} for place in range(len(outgoing))]

    def _send(self, producer: Producer, outgoing: Outgoing) -> list[Any]:
        if not len(outgoing):
            return []
        count, led = producer.led_partitions(outgoing.topic)
        partitions = self._partitioner.assign(outgoing, count, led)
        headers, send = outgoing.headers, producer.send_row
        places = {number: KafkaPartition(outgoing.topic, number) for number in set(partitions)}
        producer.enlist(places.values())
        return [
            send(places[partition], value, key, [] if headers is None else sendable(headers[row]))
            for row, (key, value, partition) in enumerate(
                zip(outgoing.keys, outgoing.values, partitions, strict=True)
            )
        ]

    def _unsendable(self, outgoing: Outgoing) -> dict[int, Exception]:
        if not len(outgoing):
            return {}
        return unsendable(outgoing, self._limits.max_record_bytes(outgoing.topic))

    def _offsets(
        self, positions: Mapping[TopicPartition, int]
    ) -> dict[KafkaPartition, OffsetAndMetadata]:
        return {
            KafkaPartition(*place): OffsetAndMetadata(offset, self._notes.get(place, ""), -1)
            for place, offset in positions.items()
        }

    def _was_committed(self, positions: Positions) -> bool:
        """Whether a transaction whose answer stayed away is this one, and was committed.

        The producer has been opened since, so it has ended.
        """
        if self._unanswered is None:
            return False
        committed = self._unanswered == positions and are_committed(self._connection, positions)
        # If it was another, its rows are of no more concern to the caller.
        self._unanswered = None
        return committed

    @contextmanager
    def _errors_told(self) -> Iterator[None]:
        """Errors in our own words, and the producer that met one given up."""
        try:
            yield
        except WorkerError:
            self._give_up()
            raise
        except (KafkaError, OSError, ValueError, TypeError) as error:
            producer = self._producer
            fault = error if producer is None or producer.fault is None else producer.fault
            self._give_up()
            raise self._translated(fault) from error

    def _give_up(self) -> None:
        producer, self._producer = self._producer, None
        self._failed = True
        if producer is None:
            return
        if self._begun and self._unanswered is None:
            self._abort(producer)
        self._begun = False
        producer.end(0.0)

    def _abort(self, producer: Producer) -> None:
        try:
            producer.abort_within(_ABORT_SECONDS)
        except (KafkaError, ValueError) as error:
            journal.info("a transaction is left for the cluster to end", error=str(error))

    def _translated(self, error: Exception) -> WorkerError:
        doing = f"transactions '{self._name}'"
        if isinstance(error, ProducerFencedError | InvalidProducerEpochError):
            if self._own:
                return LogUnavailableError(f"{doing}: ended by the cluster before they were whole")
            return ConfigurationError(
                f"{doing}: somebody else has taken over the name, or we were silent for longer "
                "than --session-timeout-ms; see that it runs once only, and start it again"
            )
        if isinstance(error, InvalidTransactionTimeoutError) or "InvalidTransactionTimeout" in str(
            error
        ):
            return ConfigurationError(
                f"{doing}: --session-timeout-ms is more than the broker's "
                "transaction.max.timeout.ms; give less"
            )
        known = translate(error, doing)
        if type(known) is LogError:
            # Such as a group that is just rebalancing, which the client takes for fatal.
            return LogUnavailableError(str(known))
        return known


def _metadata(member: Membership) -> ConsumerGroupMetadata:
    return ConsumerGroupMetadata(
        group_id=member.group_id,
        generation_id=member.generation,
        member_id=member.member_id,
        group_instance_id=member.instance_id,
    )
