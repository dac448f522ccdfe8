"""What kafka-python does of transactions on Kafka."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from kafka import OffsetAndMetadata
from kafka import TopicPartition as KafkaPartition
from kafka.errors import (
    InvalidProducerEpochError,
    InvalidTransactionTimeoutError,
    KafkaError,
    ProducerFencedError,
)
from kafka.structs import ConsumerGroupMetadata

from workers.errors import RecordTooLargeError, WorkerError
from workers.log.connection import Connection
from workers.log.contract import Membership, Outgoing, TopicPartition
from workers.log.kafka_client import connect
from workers.log.kafka_errors import translate
from workers.log.kafka_limits import TopicLimits
from workers.log.kafka_options import transaction_options
from workers.log.kafka_producer import Producer, sendable
from workers.log.partitioning import Partitioner
from workers.log.transaction_name import TransactionName

_FENCES: Final = (ProducerFencedError, InvalidProducerEpochError)


class KafkaTransactors:
    """`workers.log.cluster_transactions.Transactors` of kafka-python.

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
        self._name = TransactionName(connection.group_id, name)
        self._notes = notes or {}
        self._options = transaction_options(connection, self._name.text)
        self._partitioner = Partitioner()
        self.limits = TopicLimits(connection, self._options)

    def opened(self, timeout: float) -> KafkaTransactor:
        """See `workers.log.cluster_transactions.Transactors`."""
        deadline = time.monotonic() + timeout
        producer: Producer
        producer, _ = connect(Producer, self._options)
        made = KafkaTransactor(producer, self._name, self._notes, self._partitioner)
        try:
            made.take_over(max(0.0, deadline - time.monotonic()))
        except BaseException:
            made.end(0.0)
            raise
        return made

    def fits(self, limit: int) -> bool:  # noqa: ARG002 - the client splits what is too large
        """See `workers.log.cluster_transactions.Transactors`."""
        return True


class KafkaTransactor:
    """`workers.log.cluster_transactions.Transactor` on kafka-python's producer.

    Args:
        producer: With the name.
        name: Of the transactions.
        notes: Metadata of the positions that are committed.
        partitioner: Says where rows go.
    """

    def __init__(
        self,
        producer: Producer,
        name: TransactionName,
        notes: Mapping[TopicPartition, str],
        partitioner: Partitioner,
    ) -> None:
        self._producer = producer
        self._name = name
        self._notes = notes
        self._partitioner = partitioner

    def take_over(self, timeout: float) -> None:
        """Take over the name of the transactions, ending what was left open."""
        with self._errors_told():
            self._producer.init_within(timeout)

    def begin(self) -> None:
        """See `workers.log.cluster_transactions.Transactor`."""
        with self._errors_told():
            self._producer.begin_transaction()

    def publish(self, outgoing: Sequence[Outgoing], until: float) -> None:
        """See `workers.log.cluster_transactions.Transactor`."""
        with self._errors_told():
            futures = [future for rows in outgoing for future in self._send(rows)]
            # Not the client's flush, which fails where it has split a batch that was too large.
            for future in futures:
                if not future.is_done or future.exception is not None:
                    future.get(timeout=max(0.0, until - time.monotonic()))

    def add(
        self, member: Membership, positions: Mapping[TopicPartition, int], timeout: float
    ) -> None:
        """See `workers.log.cluster_transactions.Transactor`."""
        offsets = {
            KafkaPartition(*place): OffsetAndMetadata(offset, self._notes.get(place, ""), -1)
            for place, offset in positions.items()
        }
        with self._errors_told():
            self._producer.add_offsets(offsets, _metadata(member), timeout)

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

    def _send(self, outgoing: Outgoing) -> list[Any]:
        if not len(outgoing):
            return []
        count, led = self._producer.led_partitions(outgoing.topic)
        partitions = self._partitioner.assign(outgoing, count, led)
        headers, send = outgoing.headers, self._producer.send_row
        places = {number: KafkaPartition(outgoing.topic, number) for number in set(partitions)}
        self._producer.enlist(places.values())
        return [
            send(places[partition], value, key, [] if headers is None else sendable(headers[row]))
            for row, (key, value, partition) in enumerate(
                zip(outgoing.keys, outgoing.values, partitions, strict=True)
            )
        ]

    @contextmanager
    def _errors_told(self) -> Iterator[None]:
        """Errors in our own words, and of what the producer met first."""
        try:
            yield
        except (KafkaError, OSError, ValueError, TypeError) as error:
            raise self._meaning(self._producer.fault or error) from error

    def _meaning(self, error: Exception) -> WorkerError:
        if isinstance(error, _FENCES):
            return self._name.fenced()
        if isinstance(error, InvalidTransactionTimeoutError) or "InvalidTransactionTimeout" in str(
            error
        ):
            return self._name.timeout_refused()
        known = translate(error, self._name.doing)
        if isinstance(known, RecordTooLargeError):
            return translate(error, "publishing")
        return self._name.for_now(known)


def _metadata(member: Membership) -> ConsumerGroupMetadata:
    return ConsumerGroupMetadata(
        group_id=member.group_id,
        generation_id=member.generation,
        member_id=member.member_id,
        group_instance_id=member.instance_id,
    )
