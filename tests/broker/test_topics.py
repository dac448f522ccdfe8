"""Topics made and described."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from tests.broker.node import RunningNode
from tests.contracts.reader import PATIENCE, Reader, poll_until
from tests.contracts.worlds import CLIENTS, Client, KafkaWorld
from workers.errors import ConfigurationError, TopicMissingError
from workers.log import kafka_source, topics
from workers.log.contract import Outgoing
from workers.log.kafka_client import admin
from workers.log.opening import open_log

pytestmark = pytest.mark.kafka


@pytest.fixture
def world(kafka_node: RunningNode) -> KafkaWorld:
    return KafkaWorld(kafka_node.bootstrap_servers)


def test_what_is_there_is_left_as_it_is(world: KafkaWorld) -> None:
    old, new = (f"topic-{uuid.uuid4().hex}" for _ in range(2))
    connection = world.connection()
    assert topics.create(connection, {old: 2}) == [old]
    assert topics.create(connection, {old: 5, new: 3}) == [new]
    descriptions = topics.describe(connection, [old, new])
    assert [len(description.partitions) for description in descriptions] == [2, 3]


def test_a_description_tells_limits_offsets_and_lag(world: KafkaWorld) -> None:
    topic = world.new_topic(2, max_message_bytes=5_000)
    sink = world.log().sink()
    sink.publish(Outgoing(topic=topic, keys=[b"k"] * 9, values=[b"v"] * 9))
    sink.close(PATIENCE)
    reader = Reader(world.log(), topic, commits=False).until(9)
    (place,) = {place for place, at in reader.next.items() if at}
    reader.source.commit({place: 5})
    reader.source.close()
    world.remove_before(place, 2)
    (description,) = topics.describe(world.connection(), [topic])
    assert description.max_message_bytes == 5_000
    assert description.replication == 1
    full = description.partitions[place.partition]
    assert (full.begin, full.end, full.committed, full.lag) == (2, 9, 5, 4)
    assert full.leader == 1
    assert full.replicas == full.in_sync == (1,)
    empty = description.partitions[1 - place.partition]
    assert (empty.begin, empty.end, empty.committed, empty.lag) == (0, 0, None, None)


def test_a_missing_topic_is_named(world: KafkaWorld) -> None:
    with pytest.raises(TopicMissingError, match="no-such-topic"):
        topics.describe(world.connection(), ["no-such-topic"])


@pytest.mark.parametrize(
    ("topic", "partitions", "config", "told"),
    [
        pytest.param("bad name!", 1, {}, "bad name!", id="name"),
        pytest.param("good", 0, {}, "0 partitions", id="partitions"),
        pytest.param("good", 1, {"no.such.setting": "1"}, "no.such.setting", id="setting"),
        pytest.param("good", 1, {"retention.ms": "soon"}, "soon", id="value"),
    ],
)
def test_what_the_cluster_refuses_is_told(
    world: KafkaWorld, topic: str, partitions: int, config: dict[str, str], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        topics.create(world.connection(), {topic: partitions}, config)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_topic_deleted_under_its_reader_is_named(
    world: KafkaWorld, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    monkeypatch.setattr(kafka_source, "FORGETTING_S", 2.0)
    # What librdkafka calls it, and how often it asks.
    hasty = {"topic.metadata.propagation.max.ms": "2000", "metadata.max.age.ms": "500"}
    connection = replace(
        world.connection(), client=client, overrides=hasty if client == "confluent" else {}
    )
    topic = world.new_topic(1)
    sink = world.log().sink()
    sink.publish(Outgoing(topic=topic, keys=[None], values=[b"v"]))
    sink.close(PATIENCE)
    reader = Reader(open_log(connection), topic, commits=False).until(1)
    with admin(world.connection()) as cluster:
        cluster.delete_topics([topic])
    with pytest.raises(TopicMissingError, match=f"'{topic}' does not exist any more"):
        poll_until([reader], lambda: False)
    reader.source.close()
