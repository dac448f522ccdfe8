"""Answers questions about the in-process log."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from workers.log.contract import TopicPartition
from workers.log.lookup import Bounds
from workers.log.memory_broker import MemoryBroker


class MemoryLookup:
    """`workers.log.lookup.Lookup` on a `MemoryBroker`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    def bounds(self, topic: str) -> Mapping[TopicPartition, Bounds]:
        """See `workers.log.lookup.Lookup`."""
        with self._broker.changed:
            return {
                TopicPartition(topic, number): Bounds(partition.begin, partition.end, partition.end)
                for number, partition in enumerate(self._broker.topic(topic).partitions)
            }

    def first_since(self, topic: str, timestamp: int) -> Mapping[TopicPartition, int]:
        """See `workers.log.lookup.Lookup`."""
        found: dict[TopicPartition, int] = {}
        with self._broker.changed:
            for number, partition in enumerate(self._broker.topic(topic).partitions):
                later = (r.offset for r in partition.records if r.timestamp >= timestamp)
                if (offset := next(later, None)) is not None:
                    found[TopicPartition(topic, number)] = offset
        return found

    def committed(
        self, groups: Collection[str], topic: str
    ) -> Mapping[str, Mapping[TopicPartition, int]]:
        """See `workers.log.lookup.Lookup`."""
        self._broker.topic(topic)
        return {
            group: {
                place: offset
                for place, offset in self._broker.committed(group).items()
                if place.topic == topic
            }
            for group in groups
        }
