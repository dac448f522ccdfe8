"""Transactions on Kafka behind librdkafka: rows and positions at once, or nothing."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Final

import structlog
from confluent_kafka import KafkaError, KafkaException

from workers.errors import (
    ConfigurationError,
    LogError,
    LogUnavailableError,
    RecordTooLargeError,
    WorkerError,
)
from workers.log import topics
from workers.log.confluent_committed import Positions, are_committed
from workers.log.confluent_errors import error_of, translate
from workers.log.confluent_options import transaction_options
from workers.log.confluent_producer import ServedProducer
from workers.log.confluent_sink import BATCH, BATCH_BYTES, limit_options
from workers.log.connection import Connection
from workers.log.contract import Outgoing, TopicPartition
from workers.log.kafka_limits import TopicLimits
from workers.log.sendable import largest_row, unsendable

journal = structlog.get_logger(__name__)

# An abort is a courtesy to readers, who wait for the transaction's end: whoever comes next under
# this name, or the transaction's timeout, ends it as well.
_ABORT_SECONDS: Final = 5.0
_FENCES: Final = (
    KafkaError._FENCED,  # noqa: SLF001 - the name that confluent-kafka gives it
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
)
# Rows that were given up for what another met.
_GIVEN_UP: Final = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)  # noqa: SLF001


class ConfluentTransactions:
    """`workers.log.contract.Transactions` on confluent-kafka's producer.

    As `workers.log.kafka_transactions` does it: a producer that met an error is replaced. Its
    successor takes over the name, which ends whatever was left open, one way or the other; if the
    error came while the transaction was being committed, positions tell which way it was.

    Args:
        connection: How to reach the cluster.
        name: Of the transactions; None for one that nobody else has.
        notes: Metadata of the positions that are committed.
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
        self._limits = TopicLimits(connection, limit_options(self._options))
        self._batch = int(self._options.get(BATCH, BATCH_BYTES))
        self._lock = Lock()
        self._producer: ServedProducer | None = None
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
                producer = self._with_small_batches(outgoing, producer, deadline)
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

    def _opened(self, deadline: float) -> ServedProducer:
        """The producer of the moment; a new one ends what its predecessor left open."""
        if self._closed:
            raise LogError("the transactions are closed")
        if self._producer is not None:
            return self._producer
        # Asks the cluster for what is against us, by name; the producer only waits.
        topics.see_open(self._connection)
        made = ServedProducer(self._connection, {**self._options, BATCH: self._batch})
        try:
            made.init_within(max(0.0, deadline - time.monotonic()))
        except BaseException:
            made.end(0.0)
            raise
        self._producer = made
        return made

    def _with_small_batches(
        self, outgoing: Sequence[Outgoing], producer: ServedProducer, deadline: float
    ) -> ServedProducer:
        """A producer whose batches all of the topics take."""
        limits = [self._limits.max_record_bytes(rows.topic) for rows in outgoing if len(rows)]
        if min(limits, default=self._batch) >= self._batch:
            return producer
        self._batch = min(limits)
        self._producer = None
        producer.end(0.0)
        return self._opened(deadline)

    def _transact(
        self,
        producer: ServedProducer,
        outgoing: Sequence[Outgoing],
        positions: Positions,
        until: float,
    ) -> Sequence[Mapping[int, Exception]]:
        def left() -> float:
            return max(0.0, until - time.monotonic())

        producer.begin()
        self._begun = True
        try:
            self._publish(producer, outgoing, left)
        except KafkaException as error:
            fault = translate(error_of(error), "publishing")
            if not isinstance(fault, RecordTooLargeError):
                raise
            self._give_up()
            return self._refused(outgoing, fault)
        for member, offsets in positions.items():
            producer.add_offsets(offsets, self._notes, member, left())
        self._unanswered = positions
        producer.commit_within(left())
        self._unanswered = None
        self._begun = self._failed = False
        return []

    def _publish(
        self, producer: ServedProducer, outgoing: Sequence[Outgoing], left: Callable[[], float]
    ) -> None:
        """Send all rows; return when all are acknowledged.

        Raises:
            KafkaException: one is not.
        """
        faults: list[KafkaError] = []
        waits: list[threading.Event] = []
        for rows in outgoing:
            done = threading.Event()

            def ended(errors: dict[int, KafkaError], done: threading.Event = done) -> None:
                faults.extend(errors.values())
                done.set()

            producer.send(rows, range(len(rows)), ended)
            waits.append(done)
        for done in waits:
            if not done.wait(left()):
                raise LogUnavailableError("rows of a transaction are not acknowledged in time")
        if faults:
            raise KafkaException(
                next((fault for fault in faults if fault.code() not in _GIVEN_UP), faults[0])
            )

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

    def _unsendable(self, outgoing: Outgoing) -> dict[int, Exception]:
        if not len(outgoing):
            return {}
        return unsendable(outgoing, self._limits.max_record_bytes(outgoing.topic))

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
        except (KafkaException, WorkerError) as error:
            events = None if self._producer is None else self._producer.events
            self._give_up()
            if events is not None and events.fatal is not None:
                raise self._translated(events.fatal) from error
            if isinstance(error, WorkerError):
                raise
            if events is not None and events.refusal is not None:
                raise events.refusal from error
            raise self._translated(error_of(error)) from error

    def _give_up(self) -> None:
        producer, self._producer = self._producer, None
        self._failed = True
        if producer is None:
            return
        if self._begun and self._unanswered is None:
            self._abort(producer)
        self._begun = False
        producer.end(0.0)

    def _abort(self, producer: ServedProducer) -> None:
        try:
            producer.abort_within(_ABORT_SECONDS)
        except KafkaException as error:
            told = str(error_of(error).str())
            journal.info("a transaction is left for the cluster to end", error=told)

    def _translated(self, error: KafkaError) -> WorkerError:
        doing = f"transactions '{self._name}'"
        if error.code() in _FENCES:
            if self._own:
                return LogUnavailableError(f"{doing}: ended by the cluster before they were whole")
            return ConfigurationError(
                f"{doing}: somebody else has taken over the name, or we were silent for longer "
                "than --session-timeout-ms; see that it runs once only, and start it again"
            )
        if error.code() == KafkaError.INVALID_TRANSACTION_TIMEOUT:
            return ConfigurationError(
                f"{doing}: --session-timeout-ms is more than the broker's "
                "transaction.max.timeout.ms; give less"
            )
        known = translate(error, doing)
        if type(known) is LogError:
            # Such as a group that is just rebalancing, which ends this transaction and no other.
            return LogUnavailableError(str(known))
        return known
