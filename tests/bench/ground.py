"""The ground of all contests: one Kafka node on this machine, its topics, and what is on them."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Final, Literal

from kafka import KafkaConsumer
from kafka import TopicPartition as KafkaPartition

from tests.broker.groups import members
from tests.broker.node import RunningNode, missing
from workers.log import topics
from workers.log.connection import Connection
from workers.log.contract import Outgoing
from workers.log.kafka_client import admin
from workers.log.opening import open_log
from workers.message_sizes import topic_configs
from workers.settings.resolve import Given, load

PARTITIONS: Final = 4
# One key a partition, so that windows by key fill; a partition of its own tells each event.
_KEYS: Final = [b"sensor-%d" % partition for partition in range(PARTITIONS)]
_CHUNK: Final = 4096
_MOST_UNDER_WAY: Final = 16
_SETTLE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A topic that is filled before anything is measured.

    Attributes:
        topic: Its name.
        detector: Whose events they are.
        events: How many there are.
    """

    topic: str
    detector: str
    events: int


class Ground:
    """A node, and what is asked of it."""

    def __init__(self, node: RunningNode) -> None:
        self.servers = node.bootstrap_servers
        self.broker_pid = node.broker_pid
        self._connection = Connection(
            bootstrap_servers=self.servers, client=fastest_client(), client_id="fishweir-bench"
        )
        self._asking: Any = KafkaConsumer(bootstrap_servers=self.servers)

    def filled(self, detector: str, events: Iterable[bytes], count: int) -> Input:
        """A topic with the first ``count`` of these events."""
        topic = self.topic(detector)
        sink = open_log(self._connection).sink()
        under_way = []
        try:
            for number, chunk in enumerate(_chunks(itertools.islice(events, count))):
                partitions = [number % PARTITIONS] * len(chunk)
                keys: list[bytes | None] = [_KEYS[partition] for partition in partitions]
                under_way.append(
                    sink.publish(
                        Outgoing(topic=topic, keys=keys, values=chunk, partitions=partitions)
                    )
                )
                if len(under_way) > _MOST_UNDER_WAY:
                    _settled(under_way.pop(0))
            for delivery in under_way:
                _settled(delivery)
        finally:
            sink.close(_SETTLE_S)
        return Input(topic=topic, detector=detector, events=count)

    def topic(self, detector: str, **config: str) -> str:
        """A new topic that takes what this detector's events and verdicts need."""
        name = f"bench-{detector}-{uuid.uuid4().hex[:8]}"
        settings = load(Given(), detector=detector, environ={}).settings
        needed = topic_configs(settings)[settings.topics.input_topic]
        topics.create(self._connection, {name: PARTITIONS}, {**needed, **config})
        return name

    def end(self, topic: str) -> int:
        """Records that a topic has ever had."""
        places = [KafkaPartition(topic, number) for number in range(PARTITIONS)]
        return sum(self._asking.end_offsets(places).values())

    def wait_at_work(self, group: str, replicas: int, seconds: float) -> None:
        """Wait until each of several replicas has partitions.

        One that comes late finds nothing to do before its group has rebalanced.

        Raises:
            RuntimeError: they have not within these seconds.
        """
        if replicas > 1:
            wait_for(
                lambda: self._at_work(group) == replicas, seconds, f"partitions for {replicas}"
            )

    def _at_work(self, group: str) -> int:
        """Members of a consumer group that have partitions; 0 while it is rebalancing."""
        return sum(
            bool(member["member_assignment"]["assigned_partitions"])
            for member in members(replace(self._connection, group_id=group))
        )

    def drop(self, *names: str) -> None:
        """Delete topics, so that the disk has room for others."""
        with admin(self._connection) as client:
            client.delete_topics(list(names))


@contextmanager
def ground() -> Iterator[Ground]:
    """A node that lasts as long as this context.

    Raises:
        SystemExit: none can be run here; the message says why.
    """
    if (reason := missing()) is not None:
        raise SystemExit(f"The benchmark needs a Kafka node, and none can be run: {reason}")
    node = RunningNode("--port", "0", "--heap", "768m")
    try:
        yield Ground(node)
    finally:
        node.stop()


def fastest_client() -> Literal["kafka-python", "confluent"]:
    """The client for what is not measured, such as filling topics."""
    return "confluent" if find_spec("confluent_kafka") else "kafka-python"


def wait_for(condition: Any, seconds: float, what: str) -> None:
    """Wait until something holds.

    Raises:
        RuntimeError: it does not within these seconds.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {seconds:.0f} seconds")
        time.sleep(0.05)


def _chunks(events: Iterator[bytes]) -> Iterator[list[bytes]]:
    while chunk := list(itertools.islice(events, _CHUNK)):
        yield chunk


def _settled(delivery: Any) -> None:
    if not delivery.wait(_SETTLE_S) or delivery.failures():
        raise RuntimeError(f"Events could not be put on the topic: {delivery.failures()}")
