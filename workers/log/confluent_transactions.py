"""What confluent-kafka does of transactions on Kafka."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from confluent_kafka import KafkaError, KafkaException

from workers.errors import RecordTooLargeError, WorkerError
from workers.log import topics
from workers.log.confluent_errors import error_of, translate
from workers.log.confluent_options import transaction_options
from workers.log.confluent_producer import ServedProducer
from workers.log.confluent_sink import BATCH, BATCH_BYTES, limit_options
from workers.log.connection import Connection
from workers.log.contract import Membership, Outgoing, TopicPartition
from workers.log.kafka_limits import TopicLimits
from workers.log.transaction_name import TransactionName

_FENCES: Final = (
    KafkaError._FENCED,  # noqa: SLF001 - the name that confluent-kafka gives it
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
)
# Rows that were given up for what another met.
_GIVEN_UP: Final = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)  # noqa: SLF001


class ConfluentTransactors:
    """`workers.log.cluster_transactions.Transactors` of confluent-kafka.

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
        self._name = TransactionName(connection.group_id, name)
        self._notes = notes or {}
        self._options = transaction_options(connection, self._name.text)
        self._batch = int(self._options.get(BATCH, BATCH_BYTES))
        self.limits = TopicLimits(connection, limit_options(self._options))

    def opened(self, timeout: float) -> ConfluentTransactor:
        """See `workers.log.cluster_transactions.Transactors`."""
        deadline = time.monotonic() + timeout
        # Asks the cluster for what is against us, by name; the producer only waits.
        topics.see_open(self._connection)
        try:
            producer = ServedProducer(self._connection, {**self._options, BATCH: self._batch})
        except KafkaException as error:
            raise translate(error_of(error), self._name.doing) from error
        made = ConfluentTransactor(producer, self._name, self._notes)
        try:
            made.take_over(max(0.0, deadline - time.monotonic()))
        except BaseException:
            made.end(0.0)
            raise
        return made

    def fits(self, limit: int) -> bool:
        """See `workers.log.cluster_transactions.Transactors`."""
        fits = self._batch <= limit
        self._batch = min(self._batch, limit)
        return fits


class ConfluentTransactor:
    """`workers.log.cluster_transactions.Transactor` on confluent-kafka's producer.

    Args:
        producer: With the name.
        name: Of the transactions.
        notes: Metadata of the positions that are committed.
    """

    def __init__(
        self, producer: ServedProducer, name: TransactionName, notes: Mapping[TopicPartition, str]
    ) -> None:
        self._producer = producer
        self._name = name
        self._notes = notes

    def take_over(self, timeout: float) -> None:
        """Take over the name of the transactions, ending what was left open."""
        with self._errors_told():
            self._producer.init_within(timeout)

    def begin(self) -> None:
        """See `workers.log.cluster_transactions.Transactor`."""
        with self._errors_told():
            self._producer.begin()

    def publish(self, outgoing: Sequence[Outgoing], until: float) -> None:
        """See `workers.log.cluster_transactions.Transactor`."""
        faults: list[KafkaError] = []
        waits: list[threading.Event] = []
        with self._errors_told():
            for rows in outgoing:
                done = threading.Event()

                def ended(errors: dict[int, KafkaError], done: threading.Event = done) -> None:
                    faults.extend(errors.values())
                    done.set()

                self._producer.send(rows, range(len(rows)), ended)
                waits.append(done)
            if not all(done.wait(max(0.0, until - time.monotonic())) for done in waits):
                late = "rows are not acknowledged in time"
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, late))  # noqa: SLF001
            if faults:
                raise KafkaException(
                    next((fault for fault in faults if fault.code() not in _GIVEN_UP), faults[0])
                )

    def add(
        self, member: Membership, positions: Mapping[TopicPartition, int], timeout: float
    ) -> None:
        """See `workers.log.cluster_transactions.Transactor`."""
        with self._errors_told():
            self._producer.add_offsets(positions, self._notes, member, timeout)

    def commit(self, timeout: float) -> None:
        """See `workers.log.cluster_transactions.Transactor`."""
        with self._errors_told():
            self._producer.commit_within(timeout)

    def abort(self, timeout: float) -> None:
        """See `workers.log.cluster_transactions.Transactor`."""
        with self._errors_told():
            self._producer.abort_within(timeout)

    def end(self, timeout: float) -> None:
        """See `workers.log.cluster_transactions.Transactor`."""
        self._producer.end(timeout)

    @contextmanager
    def _errors_told(self) -> Iterator[None]:
        """Errors in our own words, and of what the producer met first."""
        try:
            yield
        except KafkaException as error:
            events = self._producer.events
            if events.fatal is None and events.refusal is not None:
                raise events.refusal from error
            raise self._meaning(events.fatal or error_of(error)) from error

    def _meaning(self, error: KafkaError) -> WorkerError:
        if error.code() in _FENCES:
            return self._name.fenced()
        if error.code() == KafkaError.INVALID_TRANSACTION_TIMEOUT:
            return self._name.timeout_refused()
        known = translate(error, self._name.doing)
        if isinstance(known, RecordTooLargeError):
            return translate(error, "publishing")
        return self._name.for_now(known)
