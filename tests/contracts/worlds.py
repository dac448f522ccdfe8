"""The logs under one roof, with what the suite must do to them from outside."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Literal, Protocol

from kafka import TopicPartition as KafkaPartition
from kafka.admin import MemberToRemove

from workers.log import topics
from workers.log.bookmarks import Bookmarks
from workers.log.connection import Connection
from workers.log.contract import Log, TopicPartition
from workers.log.kafka_bookmarks import KafkaBookmarks
from workers.log.kafka_client import admin
from workers.log.memory import MemoryLog
from workers.log.memory_bookmarks import MemoryBookmarks
from workers.log.memory_broker import MemoryBroker
from workers.log.opening import open_log
from workers.log.reset_policy import Reset

Client = Literal["kafka-python", "confluent"]
CLIENTS: tuple[Client, ...] = ("kafka-python", "confluent")


class World(Protocol):
    """Makes logs and topics, and acts as the cluster's operator."""

    def log(
        self,
        group: str = "group",
        *,
        reset: Reset = "earliest",
        notes: Mapping[TopicPartition, str] | None = None,
    ) -> Log: ...

    def bookmarks(self) -> Bookmarks: ...

    def group_id(self, group: str = "group") -> str: ...

    def new_topic(self, partitions: int = 1, *, max_message_bytes: int | None = None) -> str: ...

    def remove_before(self, place: TopicPartition, offset: int) -> None: ...

    def expel_all(self, group: str, of: Iterable[TopicPartition]) -> None: ...

    def committed(self, group: str, topic: str) -> Mapping[TopicPartition, int]: ...


class MemoryWorld:
    def __init__(self) -> None:
        self.broker = MemoryBroker()

    def log(
        self,
        group: str = "group",
        *,
        reset: Reset = "earliest",
        notes: Mapping[TopicPartition, str] | None = None,
    ) -> Log:
        return MemoryLog(self.broker, group, auto_offset_reset=reset, notes=notes)

    def bookmarks(self) -> Bookmarks:
        return MemoryBookmarks(self.broker)

    def group_id(self, group: str = "group") -> str:
        return group

    def new_topic(self, partitions: int = 1, *, max_message_bytes: int | None = None) -> str:
        name = f"topic-{uuid.uuid4().hex}"
        if max_message_bytes is None:
            self.broker.create_topic(name, partitions)
        else:
            self.broker.create_topic(name, partitions, max_message_bytes=max_message_bytes)
        return name

    def remove_before(self, place: TopicPartition, offset: int) -> None:
        self.broker.remove_before(place, offset)

    def expel_all(self, group: str, of: Iterable[TopicPartition]) -> None:
        self.broker.expel(group, of)

    def committed(self, group: str, topic: str) -> Mapping[TopicPartition, int]:
        return {
            place: offset
            for place, offset in self.broker.committed(group).items()
            if place.topic == topic
        }


class KafkaWorld:
    """On a real node. Groups are set apart by a suffix, as the node outlives the test."""

    def __init__(self, bootstrap_servers: str, client: Client = "kafka-python") -> None:
        self.bootstrap_servers = bootstrap_servers
        self.client = client
        self._suffix = uuid.uuid4().hex

    def connection(self, group: str = "group", *, reset: Reset = "earliest") -> Connection:
        return Connection(
            client=self.client,
            bootstrap_servers=self.bootstrap_servers,
            group_id=f"{group}-{self._suffix}",
            auto_offset_reset=reset,
            session_timeout_ms=6_000,
            overrides={"heartbeat.interval.ms": "300"},
        )

    def log(
        self,
        group: str = "group",
        *,
        reset: Reset = "earliest",
        notes: Mapping[TopicPartition, str] | None = None,
    ) -> Log:
        return open_log(self.connection(group, reset=reset), notes)

    def bookmarks(self) -> Bookmarks:
        return KafkaBookmarks(self.connection())

    def group_id(self, group: str = "group") -> str:
        return self.connection(group).group_id

    def new_topic(
        self,
        partitions: int = 1,
        *,
        max_message_bytes: int | None = None,
        config: Mapping[str, str] | None = None,
    ) -> str:
        name = f"topic-{uuid.uuid4().hex}"
        settings = dict(config or {})
        if max_message_bytes is not None:
            settings["max.message.bytes"] = str(max_message_bytes)
        topics.create(self.connection(), {name: partitions}, settings)
        return name

    def remove_before(self, place: TopicPartition, offset: int) -> None:
        with admin(self.connection()) as client:
            client.delete_records({KafkaPartition(*place): offset})

    def expel_all(self, group: str, of: Iterable[TopicPartition]) -> None:
        name = self.connection(group).group_id
        with admin(self.connection()) as client:
            members = client.describe_groups([name])[name]["members"]
            client.remove_group_members(
                name, [MemberToRemove(member_id=member["member_id"]) for member in members]
            )

    def committed(self, group: str, topic: str) -> Mapping[TopicPartition, int]:
        (description,) = topics.describe(self.connection(group), [topic])
        return {
            TopicPartition(topic, partition.partition): partition.committed
            for partition in description.partitions
            if partition.committed is not None
        }
