"""Answers questions about a Kafka cluster, through kafka-python's admin client."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from kafka import TopicPartition as KafkaPartition
from kafka.admin import OffsetSpec
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from workers.errors import LogUnavailableError
from workers.log import topics
from workers.log.connection import Connection
from workers.log.contract import TopicPartition
from workers.log.kafka_client import admin
from workers.log.lookup import Bounds

# A new cluster has no coordinator for a group before it is asked for one.
_COORDINATOR_S: Final = 8.0


class KafkaLookup:
    """`workers.log.lookup.Lookup` on a Kafka cluster; connects anew for each question."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def bounds(self, topic: str) -> Mapping[TopicPartition, Bounds]:
        """See `workers.log.lookup.Lookup`."""
        places = self._places(topic)
        with admin(self._connection) as client:
            begins = client.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
            written = client.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
            ends = client.list_partition_offsets(
                dict.fromkeys(places, OffsetSpec.LATEST),
                isolation_level=self._connection.isolation_level,
            )
        return {
            TopicPartition(topic, place.partition): Bounds(
                begins[place].offset, ends[place].offset, written[place].offset
            )
            for place in places
        }

    def first_since(self, topic: str, timestamp: int) -> Mapping[TopicPartition, int]:
        """See `workers.log.lookup.Lookup`."""
        places = self._places(topic)
        with admin(self._connection) as client:
            found = client.list_partition_offsets(dict.fromkeys(places, max(0, timestamp)))
        return {
            TopicPartition(topic, place.partition): at.offset
            for place, at in found.items()
            if at.offset >= 0
        }

    def committed(
        self, groups: Collection[str], topic: str
    ) -> Mapping[str, Mapping[TopicPartition, int]]:
        """See `workers.log.lookup.Lookup`."""
        retrying = Retrying(
            retry=retry_if_exception_type(LogUnavailableError),
            stop=stop_after_delay(_COORDINATOR_S),
            wait=wait_fixed(0.2),
            reraise=True,
        )
        places = self._places(topic)
        found: dict[str, dict[TopicPartition, int]] = retrying(self._committed, groups, places)
        return found

    def _committed(
        self, groups: Collection[str], places: list[KafkaPartition]
    ) -> dict[str, dict[TopicPartition, int]]:
        with admin(self._connection) as client:
            found = client.list_group_offsets(dict.fromkeys(groups, places))
        return {
            group: {
                TopicPartition(place.topic, place.partition): at.offset
                for place, at in found[group].items()
                if at.offset >= 0
            }
            for group in groups
        }

    def _places(self, topic: str) -> list[KafkaPartition]:
        count = topics.facts(self._connection, topic).partitions
        return [KafkaPartition(topic, partition) for partition in range(count)]
