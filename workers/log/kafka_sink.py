"""Publishes to Kafka: idempotent, acknowledged by all in-sync replicas."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import structlog
from kafka import KafkaProducer
from kafka import TopicPartition as KafkaPartition
from kafka.errors import AuthorizationError, IllegalStateError, KafkaError, RetriableError

from workers.errors import LogError, LogUnavailableError, RecordTooLargeError, WorkerError
from workers.log.connection import Connection
from workers.log.contract import Outgoing
from workers.log.delivery import PendingDelivery
from workers.log.kafka_client import connect
from workers.log.kafka_errors import translate
from workers.log.kafka_limits import TopicLimits
from workers.log.kafka_options import buffer_memory, producer_options
from workers.log.kafka_producer import Producer, Watch, sendable
from workers.log.outstanding import Outstanding
from workers.log.partitioning import Partitioner
from workers.log.sendable import unsendable

journal = structlog.get_logger(__name__)

# A producer that refuses everything fails what it still has at once.
_RETIRE_SECONDS: Final = 5.0


class KafkaSink:
    """`workers.log.contract.Sink` on kafka-python's producer.

    A row that the cluster refuses puts an idempotent producer of kafka-python 3.0.12 into a state
    in which it refuses all others too. So a producer that met one is replaced, and the rows that
    failed with it are sent one by one, which tells the guilty from the others.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._options = producer_options(connection)
        self._outstanding = Outstanding(buffer_memory(connection))
        self._partitioner = Partitioner()
        self._lock = threading.Condition()
        # Held while connecting, which takes long; acknowledgements need the other meanwhile.
        self._connecting = threading.Lock()
        self._producer: Producer | None = None
        self._leases: Counter[Producer] = Counter()
        self._limits = TopicLimits(connection, self._options)
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
            producer = self._lease()
        except WorkerError as error:
            return self._all_failed(delivery, outgoing, error)
        try:
            count, led = producer.led_partitions(outgoing.topic)
            self._outstanding.add(delivery, outgoing)
            partitions = self._partitioner.assign(outgoing, count, led)
            refused = unsendable(outgoing, limit)
            futures = self._send(producer, outgoing, partitions, refused)
        except KafkaError as error:
            return self._all_failed(delivery, outgoing, error)
        finally:
            self._give_back(producer)
        Watch(futures, lambda errors: self._ended(delivery, outgoing, producer, errors, refused))
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
            producer, self._producer = self._producer, None
        if producer is not None:
            producer.end(max(0.0, deadline - time.monotonic()))
        self._one_by_one.shutdown(wait=False, cancel_futures=True)
        self._outstanding.abandon()

    def _lease(self) -> Producer:
        """The producer of the moment; it is not ended before it is given back."""
        with self._connecting:
            with self._lock:
                if self._closed:
                    raise LogError("the sink is closed")
                if self._producer is not None:
                    self._leases[self._producer] += 1
                    return self._producer
            made: Producer
            made, _ = connect(Producer, self._options)
            with self._lock:
                self._producer = made
                self._leases[made] += 1
            return made

    def _give_back(self, producer: Producer) -> None:
        with self._lock:
            self._leases[producer] -= 1
            self._lock.notify_all()

    def _retire(self, producer: Producer) -> None:
        """End a producer that nobody is given any more, once the last has given it back."""
        with self._lock:
            self._lock.wait_for(lambda: not self._leases[producer])
            del self._leases[producer]
        producer.end(_RETIRE_SECONDS)

    def _all_failed(
        self, delivery: PendingDelivery, outgoing: Outgoing, error: Exception
    ) -> PendingDelivery:
        self._limits.forget(outgoing.topic)
        failure = translate(error, f"publishing to topic '{outgoing.topic}'")
        delivery.resolve(dict.fromkeys(range(len(outgoing)), failure))
        return delivery

    def _send(
        self,
        producer: Producer,
        outgoing: Outgoing,
        partitions: list[int],
        refused: dict[int, Exception],
    ) -> dict[int, Any]:
        """Give the rows to the producer; return futures, and add errors of those it refuses."""
        send, topic, all_headers = producer.send_row, outgoing.topic, outgoing.headers
        places = {number: KafkaPartition(topic, number) for number in set(partitions)}
        futures: dict[int, Any] = {}
        headers: list[tuple[str, bytes]] = []
        for row, (key, value) in enumerate(zip(outgoing.keys, outgoing.values, strict=True)):
            if refused and row in refused:
                continue
            if all_headers is not None:
                headers = sendable(all_headers[row])
            try:
                futures[row] = send(places[partitions[row]], value, key, headers)
            except (KafkaError, ValueError, TypeError) as error:
                failure = refused[row] = translate(error, f"publishing to topic '{topic}'")
                if failure.retriable:
                    # The next would wait as long, for the same.
                    refused |= dict.fromkeys(range(row + 1, len(outgoing)), failure)
                    break
        return futures

    def _ended(
        self,
        delivery: PendingDelivery,
        outgoing: Outgoing,
        producer: Producer,
        errors: Mapping[int, Exception],
        refused: Mapping[int, Exception],
    ) -> None:
        """On the producer's thread: all rows are acknowledged or failed."""
        if not errors:
            delivery.resolve(refused)
            return
        failures = {row: self._failure(error, outgoing.topic) for row, error in errors.items()}
        suspects = [row for row, error in errors.items() if _poisons(error)]
        if not suspects:
            delivery.resolve({**refused, **failures})
            return
        with self._lock:
            spent = self._producer is producer
            if spent:
                self._producer = None
            closed = self._closed
        if closed:
            delivery.resolve({**refused, **failures})
            return
        journal.warning(
            "the cluster refused a batch; its rows are sent one by one",
            topic=outgoing.topic,
            rows=len(suspects),
            error=str(failures[suspects[0]]),
        )
        if spent:
            self._one_by_one.submit(self._retire, producer)
        self._one_by_one.submit(
            self._send_one_by_one, delivery, outgoing, suspects, {**refused, **failures}
        )

    def _send_one_by_one(
        self,
        delivery: PendingDelivery,
        outgoing: Outgoing,
        rows: list[int],
        failures: dict[int, Exception],
    ) -> None:
        """Try each row alone, with a producer that a refusal does not harm."""
        options = {**self._options, "enable_idempotence": False, "linger_ms": 0}
        try:
            producer, _ = connect(Producer, options)
        except WorkerError as error:
            delivery.resolve({**failures, **dict.fromkeys(rows, error)})
            return
        try:
            for place, row in enumerate(rows):
                headers = outgoing.headers[row] if outgoing.headers is not None else ()
                try:
                    producer.send(
                        outgoing.topic,
                        outgoing.values[row],
                        outgoing.keys[row],
                        sendable(headers),
                        None if outgoing.partitions is None else outgoing.partitions[row],
                    ).get(timeout=self._delivery_seconds())
                except KafkaError as error:
                    failures[row] = self._failure(error, outgoing.topic)
                    if isinstance(error, RetriableError):
                        failures |= dict.fromkeys(rows[place:], failures[row])
                        break
                else:
                    del failures[row]
        finally:
            delivery.resolve(failures)
            producer.end(0.0)

    def _failure(self, error: Exception, topic: str) -> WorkerError:
        if isinstance(error, IllegalStateError):
            return LogUnavailableError(f"topic '{topic}': closed before the row was acknowledged")
        failure = translate(error, f"publishing to topic '{topic}'")
        if isinstance(failure, LogUnavailableError | RecordTooLargeError):
            self._limits.forget(topic)
        return failure

    def _delivery_seconds(self) -> float:
        milliseconds = self._options.get(
            "delivery_timeout_ms", KafkaProducer.DEFAULT_CONFIG["delivery_timeout_ms"]
        )
        return float(milliseconds) / 1000


def _poisons(error: Exception) -> bool:
    """Whether an idempotent producer that met this may be of no more use, and rows with it."""
    return not isinstance(error, RetriableError | AuthorizationError | IllegalStateError)
