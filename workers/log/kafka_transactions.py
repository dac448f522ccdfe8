"""Transactions on Kafka: rows and positions at once, or nothing (KIP-98, KIP-447)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, Final

import structlog
from kafka import KafkaConsumer, OffsetAndMetadata
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
from workers.log.kafka_errors import translate
from workers.log.kafka_limits import TopicLimits
from workers.log.kafka_options import consumer_options, transaction_options
from workers.log.kafka_producer import Producer, sendable
from workers.log.kafka_sizes import MOST_OVERHEAD, check_size
from workers.log.partitioning import Partitioner

journal = structlog.get_logger(__name__)

# An abort is a courtesy to readers, who wait for the transaction's end: whoever comes next under
# this name, or the transaction's timeout, ends it as well.
_ABORT_SECONDS: Final = 5.0
_LOOKUP_MS: Final = 10_000

_Positions = Mapping[Membership, Mapping[TopicPartition, int]]


class KafkaTransactions:
    """`workers.log.contract.Transactions` on kafka-python's producer.

    A producer that met an error is replaced. Its successor takes over the name, which ends
    whatever was left open, one way or the other; if the error came while the transaction was
    being committed, positions tell which way it was.
    """

    def __init__(self, connection: Connection, name: str | None = None) -> None:
        self._connection = connection
        # Fences of a name that nobody else has come from the cluster: the transaction timed out.
        self._own = name is None
        self._name = name or f"{connection.group_id}-{uuid.uuid4().hex}"
        self._options = transaction_options(connection, self._name)
        self._limits = TopicLimits(connection, self._options)
        self._partitioner = Partitioner()
        self._lock = Lock()
        self._producer: Producer | None = None
        self._begun = self._closed = False
        # What was to be committed when the answer stayed away.
        self._unanswered: _Positions | None = None

    def commit(
        self, outgoing: Sequence[Outgoing], positions: _Positions, timeout: float
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
                refused = [self._too_large(rows) for rows in outgoing]
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
        self, producer: Producer, outgoing: Sequence[Outgoing], positions: _Positions, until: float
    ) -> Sequence[Mapping[int, Exception]]:
        def left() -> float:
            return max(0.0, until - time.monotonic())

        self._begun = True
        producer.begin_transaction()
        futures = [self._send(producer, rows) for rows in outgoing]
        producer.flush(left())
        refused = [_refused(rows, sent) for rows, sent in zip(outgoing, futures, strict=True)]
        if any(refused):
            self._give_up()
            for rows in outgoing:
                self._limits.forget(rows.topic)
            return refused
        for member, offsets in positions.items():
            producer.add_offsets(_offsets(offsets), _metadata(member), left())
        self._unanswered = positions
        producer.commit_within(left())
        self._unanswered = None
        self._begun = False
        return []

    def _send(self, producer: Producer, outgoing: Outgoing) -> list[Any]:
        if not len(outgoing):
            return []
        count, led = producer.led_partitions(outgoing.topic)
        partitions = self._partitioner.assign(outgoing, count, led)
        topic, headers, send = outgoing.topic, outgoing.headers, producer.send
        return [
            send(topic, value, key, [] if headers is None else sendable(headers[row]), partition)
            for row, (key, value, partition) in enumerate(
                zip(outgoing.keys, outgoing.values, partitions, strict=True)
            )
        ]

    def _too_large(self, outgoing: Outgoing) -> dict[int, Exception]:
        """Rows that can never be sent."""
        if not len(outgoing):
            return {}
        limit = self._limits.max_record_bytes(outgoing.topic)
        # Rows without headers of this length or less need not be measured exactly.
        small = limit - MOST_OVERHEAD
        refused: dict[int, Exception] = {}
        headers: list[tuple[str, bytes]] = []
        for row, (key, value) in enumerate(zip(outgoing.keys, outgoing.values, strict=True)):
            if outgoing.headers is not None:
                headers = sendable(outgoing.headers[row])
            try:
                if headers or len(value or b"") + len(key or b"") > small:
                    check_size(key, value, headers, limit, outgoing.topic)
            except RecordTooLargeError as error:
                refused[row] = error
            if key is None and value is None:
                refused[row] = LogError(
                    f"topic '{outgoing.topic}': a record has neither key nor value"
                )
        return refused

    def _was_committed(self, positions: _Positions) -> bool:
        """Whether a transaction whose answer stayed away is this one, and was committed.

        The producer has been opened since, so it has ended.
        """
        unanswered = self._unanswered
        if unanswered is None:
            return False
        if unanswered != positions:
            # Its rows are of no more concern to the caller.
            self._unanswered = None
            return False
        for member, offsets in positions.items():
            connection = self._connection
            options = {
                **consumer_options(connection),
                "group_id": member.group_id,
                "group_instance_id": None,
                # Waits for transactional positions that are not decided yet (KIP-447).
                "isolation_level": "read_committed",
            }
            consumer, _ = connect(KafkaConsumer, options)
            try:
                for place, offset in offsets.items():
                    at = consumer.committed(KafkaPartition(*place), timeout_ms=_LOOKUP_MS)
                    if at is None or at < offset:
                        self._unanswered = None
                        return False
            finally:
                consumer.close(autocommit=False, timeout_ms=0)
        self._unanswered = None
        return True

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


def _refused(outgoing: Outgoing, sent: Sequence[Any]) -> dict[int, Exception]:
    """Of rows that the broker found too large, the largest: the others may fit without it.

    Raises:
        Exception: another error of a row.
    """
    errors = {row: future.exception for row, future in enumerate(sent) if future.exception}
    if not errors:
        return {}
    doing = f"publishing to topic '{outgoing.topic}'"
    failures = {row: translate(error, doing) for row, error in errors.items()}
    too_large = [row for row, error in failures.items() if isinstance(error, RecordTooLargeError)]
    if not too_large:
        raise next(iter(errors.values()))
    largest = max(too_large, key=lambda row: len(outgoing.values[row] or b""))
    return {largest: failures[largest]}


def _offsets(positions: Mapping[TopicPartition, int]) -> dict[KafkaPartition, OffsetAndMetadata]:
    return {
        KafkaPartition(*place): OffsetAndMetadata(offset, "", -1)
        for place, offset in positions.items()
    }


def _metadata(member: Membership) -> ConsumerGroupMetadata:
    return ConsumerGroupMetadata(
        group_id=member.group_id,
        generation_id=member.generation,
        member_id=member.member_id,
        group_instance_id=member.instance_id,
    )
