"""Topics of a Kafka cluster: make them, say how they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka import TopicPartition as KafkaPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import (
    AuthorizationError,
    CoordinatorNotAvailableError,
    GroupIdNotFoundError,
    InvalidTopicError,
    NoError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from workers.errors import AuthorisationError, ConfigurationError, TopicMissingError
from workers.log.connection import Connection
from workers.log.kafka_client import admin
from workers.log.kafka_errors import translate

# Kafka's default for topics (1 MiB and the 12 bytes of a batch's offset and length); assumed where
# the client may not read the topic's configuration.
DEFAULT_MAX_MESSAGE_BYTES: Final = 1_048_588
_MAX_MESSAGE_BYTES: Final = "max.message.bytes"
# A new cluster has no coordinator for a group before it is asked for one.
_coordinated: Final = Retrying(
    retry=retry_if_exception_type(CoordinatorNotAvailableError),
    stop=stop_after_delay(8.0),
    wait=wait_fixed(0.2),
    reraise=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionDescription:
    """One partition.

    Attributes:
        partition: Its number.
        leader: Broker that leads it; -1 for none.
        replicas: Brokers that hold it.
        in_sync: Those of them that are up to date.
        begin: Offset of the first record there is.
        end: Offset that the next record will get.
        committed: Position that the connection's group has committed; None for none.
    """

    partition: int
    leader: int
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]
    begin: int
    end: int
    committed: int | None

    @property
    def lag(self) -> int | None:
        """Records that the group has still to read; None where it has committed nothing."""
        return None if self.committed is None else max(0, self.end - self.committed)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicDescription:
    """One topic.

    Attributes:
        name: Its name.
        partitions: By number.
        max_message_bytes: Size of the largest batch of records that it takes.
    """

    name: str
    partitions: tuple[PartitionDescription, ...]
    max_message_bytes: int

    @property
    def replication(self) -> int:
        """Replicas of the partition that has fewest."""
        return min((len(partition.replicas) for partition in self.partitions), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicFacts:
    """What clients of a topic must know before they start.

    Attributes:
        partitions: How many it has.
        max_message_bytes: Size of the largest batch of records that it takes.
    """

    partitions: int
    max_message_bytes: int


def create(
    connection: Connection,
    topics: Mapping[str, int],
    config: Mapping[str, str] | None = None,
    *,
    replication: int = -1,
) -> list[str]:
    """Create topics that do not exist yet; return once all have leaders.

    Args:
        connection: How to reach the cluster.
        topics: Numbers of partitions by name.
        config: Settings of the new topics, under Kafka's names.
        replication: Replicas of each partition; -1 for the cluster's default.

    Returns:
        Names of those that were created; others were there and are left as they are.

    Raises:
        ConfigurationError: the cluster refuses a name, a number or a setting.
        WorkerError: as `workers.log.kafka_client.connect`.
    """
    created = []
    with admin(connection) as client:
        for name, partitions in topics.items():
            wanted = {
                "num_partitions": partitions,
                "replication_factor": replication,
                "configs": dict(config or {}),
            }
            answer = client.create_topics({name: wanted}, raise_errors=False)["topics"][0]
            error = for_code(answer["error_code"])
            if error is NoError:
                created.append(name)
            elif error is not TopicAlreadyExistsError:
                problem = answer.get("error_message") or error.__name__
                if error.retriable:
                    raise translate(error(problem), f"creating topic '{name}'")
                if issubclass(error, AuthorizationError):
                    raise AuthorisationError(
                        f"creating topic '{name}': {problem} Grant this client's principal Create "
                        "on the cluster or on that name"
                    )
                raise ConfigurationError(
                    f"topic '{name}' with {partitions} partitions cannot be created: {problem}"
                )
        client.wait_for_topics(list(topics))
    return created


def extend(connection: Connection, topic: str, partitions: int) -> None:
    """Give a topic more partitions, so that it has so many.

    Raises:
        WorkerError: the cluster refuses it, or as `workers.log.kafka_client.connect`.
    """
    with admin(connection) as client:
        client.create_partitions({topic: partitions})


def configure(connection: Connection, topic: str, config: Mapping[str, str]) -> None:
    """Change settings of a topic, under Kafka's names; others stay as they are.

    Raises:
        WorkerError: the cluster refuses it, or as `workers.log.kafka_client.connect`.
    """
    with admin(connection) as client:
        client.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic, dict(config))], incremental=True
        )


def describe(connection: Connection, topics: Iterable[str]) -> list[TopicDescription]:
    """Describe topics, with the lag of the connection's group, in the order given.

    Raises:
        TopicMissingError: one does not exist.
        WorkerError: as `workers.log.kafka_client.connect`.
    """
    names = list(topics)
    with admin(connection) as client:
        found = _metadata(client, names)
        limits = _limits(client, names)
        places = [
            KafkaPartition(name, partition["partition_index"])
            for name in names
            for partition in found[name]
        ]
        begins = client.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
        ends = client.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
        committed = _coordinated(_committed, client, connection.group_id, places)
    return [
        TopicDescription(
            name=name,
            partitions=tuple(
                PartitionDescription(
                    partition=place.partition,
                    leader=partition["leader_id"],
                    replicas=tuple(partition["replica_nodes"]),
                    in_sync=tuple(partition["isr_nodes"]),
                    begin=begins[place].offset,
                    end=ends[place].offset,
                    committed=committed.get(place),
                )
                for partition in found[name]
                for place in [KafkaPartition(name, partition["partition_index"])]
            ),
            max_message_bytes=limits[name],
        )
        for name in names
    ]


def see_open(connection: Connection) -> None:
    """See that the cluster lets us in.

    Raises:
        WorkerError: as `workers.log.kafka_client.connect`.
    """
    with admin(connection):
        return


def facts(connection: Connection, topic: str) -> TopicFacts:
    """What clients of a topic must know before they start.

    Raises:
        TopicMissingError: it does not exist.
        WorkerError: as `workers.log.kafka_client.connect`.
    """
    with admin(connection) as client:
        partitions = _metadata(client, [topic])[topic]
        return TopicFacts(
            partitions=len(partitions), max_message_bytes=_limits(client, [topic])[topic]
        )


def _metadata(client: KafkaAdminClient, names: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Partitions of each topic, in order."""
    found = {}
    for topic in client.describe_topics(names):
        error = for_code(topic["error_code"])
        if error in (UnknownTopicOrPartitionError, InvalidTopicError):
            raise TopicMissingError(
                f"topic '{topic['name']}' does not exist; create it (weir topics create) or check "
                "the name"
            )
        if error is not NoError:
            raise translate(error(), f"describing topic '{topic['name']}'")
        found[topic["name"]] = sorted(topic["partitions"], key=lambda p: p["partition_index"])
    return found


def _limits(client: KafkaAdminClient, names: list[str]) -> dict[str, int]:
    """``max.message.bytes`` of each topic; the default where we may not read it."""
    wanted = [
        ConfigResource(ConfigResourceType.TOPIC, name, [_MAX_MESSAGE_BYTES]) for name in names
    ]
    configs = client.describe_configs(wanted, config_filter="all").get("topic", {})
    default = {"value": DEFAULT_MAX_MESSAGE_BYTES}
    return {
        name: int(configs.get(name, {}).get(_MAX_MESSAGE_BYTES, default)["value"]) for name in names
    }


def _committed(
    client: KafkaAdminClient, group: str, places: list[KafkaPartition]
) -> dict[KafkaPartition, int]:
    try:
        offsets = client.list_group_offsets({group: places})[group]
    except GroupIdNotFoundError:
        return {}
    return {place: at.offset for place, at in offsets.items() if at.offset >= 0}
