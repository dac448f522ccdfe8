"""Publishes to the in-process log."""

from __future__ import annotations

import time

from workers.errors import LogUnavailableError, TopicMissingError
from workers.log.contract import Outgoing
from workers.log.delivery import PendingDelivery
from workers.log.memory_broker import MemoryBroker
from workers.log.partitioning import Partitioner


class MemorySink:
    """`workers.log.contract.Sink` on a `MemoryBroker`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._partitioner = Partitioner()
        self._deliveries: list[PendingDelivery] = []

    def publish(self, outgoing: Outgoing) -> PendingDelivery:
        """See `workers.log.contract.Sink`."""
        delivery = PendingDelivery()
        try:
            count = len(self._broker.topic(outgoing.topic).partitions)
            partitions = self._partitioner.assign(outgoing, count, list(range(count)))
            failures = self._broker.write(outgoing, partitions)
        except (TopicMissingError, LogUnavailableError) as error:
            failures = dict.fromkeys(range(len(outgoing)), error)
        with self._broker.changed:
            self._deliveries = [known for known in self._deliveries if not known.done()]
            self._deliveries.append(delivery)
        self._broker.acknowledge(delivery, failures)
        return delivery

    def max_record_bytes(self, topic: str) -> int:
        """See `workers.log.contract.Sink`."""
        return self._broker.topic(topic).max_message_bytes

    def confirm(self, topic: str) -> None:
        """See `workers.log.contract.Sink`."""
        self._broker.topic(topic)

    def flush(self, timeout: float) -> bool:
        """See `workers.log.contract.Sink`."""
        deadline = time.monotonic() + timeout
        with self._broker.changed:
            deliveries = list(self._deliveries)
        return all(delivery.wait(max(0.0, deadline - time.monotonic())) for delivery in deliveries)

    def close(self, timeout: float) -> None:
        """See `workers.log.contract.Sink`."""
        self.flush(timeout)
