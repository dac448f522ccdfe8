"""Bookmarks of a cluster's consumer groups, through kafka-python's admin client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kafka import OffsetAndMetadata
from kafka import TopicPartition as KafkaPartition
from kafka.errors import NoError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from workers.errors import LogUnavailableError
from workers.log.bookmarks import Bookmark
from workers.log.connection import Connection
from workers.log.contract import TopicPartition
from workers.log.kafka_client import admin
from workers.log.kafka_errors import translate

# A new cluster has no coordinator for a group before it is asked for one.
_COORDINATOR_S: Final = 8.0


class KafkaBookmarks:
    """`workers.log.bookmarks.Bookmarks` on a Kafka cluster; connects anew for each question."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._retrying = Retrying(
            retry=retry_if_exception_type(LogUnavailableError),
            stop=stop_after_delay(_COORDINATOR_S),
            wait=wait_fixed(0.2),
            reraise=True,
        )

    def read(self, group: str) -> Mapping[TopicPartition, Bookmark]:
        """See `workers.log.bookmarks.Bookmarks`."""
        found: dict[TopicPartition, Bookmark] = self._retrying(self._read, group)
        return found

    def lay(self, group: str, bookmarks: Mapping[TopicPartition, Bookmark]) -> None:
        """See `workers.log.bookmarks.Bookmarks`."""
        self._retrying(self._lay, group, bookmarks)

    def _read(self, group: str) -> dict[TopicPartition, Bookmark]:
        with admin(self._connection) as client:
            found = client.list_group_offsets({group: None})[group]
        return {
            # confluent-kafka 2.16.1 commits notes with the end of a C string.
            TopicPartition(place.topic, place.partition): Bookmark(
                at.offset, (at.metadata or "").rstrip("\0")
            )
            for place, at in found.items()
            if at.offset >= 0
        }

    def _lay(self, group: str, bookmarks: Mapping[TopicPartition, Bookmark]) -> None:
        offsets = {
            KafkaPartition(*place): OffsetAndMetadata(mark.offset, mark.note, -1)
            for place, mark in bookmarks.items()
        }
        with admin(self._connection) as client:
            outcomes = client.alter_group_offsets(group, offsets)
        for error in outcomes.values():
            if error is not NoError:
                raise translate(error(), f"committing positions of group '{group}'")
