"""Publishes to Kafka behind librdkafka: idempotent, acknowledged by all in-sync replicas."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

import structlog
from confluent_kafka import KafkaError, KafkaException

from workers.errors import (
    AuthorisationError,
    LogError,
    LogUnavailableError,
    RecordTooLargeError,
    WorkerError,
)
from workers.log.confluent_errors import error_of, translate
from workers.log.confluent_options import (
    REQUEST_BYTES,
    buffer_memory,
    compression,
    producer_options,
)
from workers.log.confluent_producer import ServedProducer
from workers.log.connection import Connection
from workers.log.contract import Outgoing
from workers.log.delivery import PendingDelivery
from workers.log.kafka_limits import TopicLimits
from workers.log.outstanding import Outstanding
from workers.log.sendable import unsendable

journal = structlog.get_logger(__name__)

# What librdkafka puts into one batch of records at the most, unless told otherwise.
BATCH_BYTES: Final = 1_000_000
BATCH: Final = "batch.size"


class ConfluentSink:
    """`workers.log.contract.Sink` on confluent-kafka's producer.

    A broker refuses a whole batch for one record. So rows that it refused are sent once more, each
    in a batch of its own, which tells the guilty from the others.

    Args:
        connection: How to reach the cluster.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._options = producer_options(connection)
        self._outstanding = Outstanding(buffer_memory(connection))
        self._limits = TopicLimits(connection, limit_options(self._options))
        self._lock = threading.Lock()
        # By the largest batch that they make: no topic is sent larger ones than it takes.
        self._producers: dict[int, ServedProducer] = {}
        # One thread: rows that are sent one by one are few, or the topic is set up wrongly.
        self._one_by_one = ThreadPoolExecutor(1, thread_name_prefix="one-by-one")
        self._closed = False

    def publish(self, outgoing: Outgoing) -> PendingDelivery:
        """See `workers.log.contract.Sink`."""
        delivery = PendingDelivery()
        if not len(outgoing):
            delivery.resolve({})
            return delivery
        try:
            limit = self.max_record_bytes(outgoing.topic)
            producer = self._producer(limit)
        except WorkerError as error:
            return self._all_failed(delivery, outgoing, error)
        refused = unsendable(outgoing, limit)
        rows = (
            [row for row in range(len(outgoing)) if row not in refused]
            if refused
            else range(len(outgoing))
        )
        self._outstanding.add(delivery, outgoing)
        try:
            producer.send(
                outgoing,
                rows,
                lambda errors: self._ended(delivery, outgoing, producer, errors, refused),
            )
        except WorkerError as error:
            return self._all_failed(delivery, outgoing, error)
        return delivery

    def max_record_bytes(self, topic: str) -> int:
        """See `workers.log.contract.Sink`."""
        return self._limits.max_record_bytes(topic)

    def confirm(self, topic: str) -> None:
        """See `workers.log.contract.Sink`."""
        self._limits.confirm(topic)

    def flush(self, timeout: float) -> bool:
        """See `workers.log.contract.Sink`."""
        return self._outstanding.wait(timeout)

    def close(self, timeout: float) -> None:
        """See `workers.log.contract.Sink`; what is not acknowledged by then fails."""
        deadline = time.monotonic() + timeout
        self.flush(timeout)
        with self._lock:
            self._closed = True
            producers, self._producers = self._producers, {}
        for producer in producers.values():
            producer.end(max(0.0, deadline - time.monotonic()))
        self._one_by_one.shutdown(wait=False, cancel_futures=True)
        self._outstanding.abandon()

    def _producer(self, limit: int) -> ServedProducer:
        """The one for a topic that takes batches of this size."""
        batch = min(int(self._options.get(BATCH, BATCH_BYTES)), limit)
        with self._lock:
            if self._closed:
                raise LogError("the sink is closed")
            if batch not in self._producers:
                self._producers[batch] = self._made({BATCH: batch})
            return self._producers[batch]

    def _made(self, more: Mapping[str, Any]) -> ServedProducer:
        try:
            return ServedProducer(self._connection, {**self._options, **more})
        except KafkaException as error:
            raise translate(error_of(error), "opening a publisher") from error

    def _all_failed(
        self, delivery: PendingDelivery, outgoing: Outgoing, failure: WorkerError
    ) -> PendingDelivery:
        self._limits.forget(outgoing.topic)
        delivery.resolve(dict.fromkeys(range(len(outgoing)), failure))
        return delivery

    def _ended(
        self,
        delivery: PendingDelivery,
        outgoing: Outgoing,
        producer: ServedProducer,
        errors: Mapping[int, KafkaError],
        refused: Mapping[int, Exception],
    ) -> None:
        """On the producer's thread: all rows are acknowledged or failed."""
        if not errors:
            delivery.resolve(refused)
            return
        failures = {
            row: self._failure(error, outgoing.topic, producer) for row, error in errors.items()
        }
        if producer.events.fatal is not None:
            self._retire(producer)
        suspects = [row for row, failure in failures.items() if _may_be_innocent(failure)]
        with self._lock:
            closed = self._closed
        if not suspects or closed:
            delivery.resolve({**refused, **failures})
            return
        journal.warning(
            "the cluster refused a batch; its rows are sent one by one",
            topic=outgoing.topic,
            rows=len(suspects),
            error=str(failures[suspects[0]]),
        )
        self._one_by_one.submit(
            self._send_one_by_one, delivery, outgoing, suspects, {**refused, **failures}
        )

    def _retire(self, producer: ServedProducer) -> None:
        """Let the next publishing have another."""
        with self._lock:
            self._producers = {
                batch: kept for batch, kept in self._producers.items() if kept is not producer
            }
        with suppress(RuntimeError):  # closed meanwhile
            self._one_by_one.submit(producer.end, 0.0)

    def _send_one_by_one(
        self,
        delivery: PendingDelivery,
        outgoing: Outgoing,
        rows: list[int],
        failures: dict[int, Exception],
    ) -> None:
        """Try each row in a batch of its own."""
        done = threading.Event()
        found: dict[int, KafkaError] = {}

        def ended(errors: dict[int, KafkaError]) -> None:
            found.update(errors)
            done.set()

        try:
            producer = self._made(
                {"batch.num.messages": 1, "linger.ms": 0, "enable.idempotence": False}
            )
        except WorkerError as error:
            delivery.resolve({**failures, **dict.fromkeys(rows, error)})
            return
        try:
            producer.send(outgoing, rows, ended)
            done.wait()  # the client gives every row up after a time of its own
            for row in rows:
                del failures[row]
            for row, reported in found.items():
                failures[row] = self._failure(reported, outgoing.topic, producer)
        except WorkerError as error:
            failures |= dict.fromkeys(rows, error)
        finally:
            delivery.resolve(failures)
            producer.end(0.0)

    def _failure(self, error: KafkaError, topic: str, producer: ServedProducer) -> WorkerError:
        if error.code() in _GIVEN_UP:
            reason = producer.events.refusal
            return reason or LogUnavailableError(
                f"topic '{topic}': closed before the row was acknowledged"
            )
        failure = translate(error, f"publishing to topic '{topic}'")
        if isinstance(failure, LogUnavailableError | RecordTooLargeError):
            self._limits.forget(topic)
        return failure


_GIVEN_UP: Final = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)  # noqa: SLF001


def limit_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """What `TopicLimits` asks of the options of a producer, by kafka-python's names."""
    return {
        "compression_type": compression(options),
        "max_request_size": int(options.get("message.max.bytes", REQUEST_BYTES)),
    }


def _may_be_innocent(failure: WorkerError) -> bool:
    """Whether it is another row of the batch, perhaps, that the cluster refused."""
    return not failure.retriable and not isinstance(failure, AuthorisationError)
