"""Rows that the broker itself refuses."""

from __future__ import annotations

import random

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from tests.broker.node import RunningNode
from tests.contracts.reader import PATIENCE, Reader
from tests.contracts.worlds import CLIENTS, KafkaWorld
from workers.errors import LogError, RecordTooLargeError
from workers.log.contract import Outgoing
from workers.log.kafka_client import admin

pytestmark = pytest.mark.kafka


@pytest.fixture(params=CLIENTS)
def world(request: pytest.FixtureRequest, kafka_node: RunningNode) -> KafkaWorld:
    return KafkaWorld(kafka_node.bootstrap_servers, request.param)


def test_one_refused_row_costs_one_row(world: KafkaWorld) -> None:
    # A compacted topic takes no record without a key, and refuses the whole batch it is in.
    topic = world.new_topic(2, config={"cleanup.policy": "compact"})
    other = world.new_topic()
    sink = world.log().sink()
    keys = [b"%d" % number for number in range(40)]
    holed: list[bytes | None] = list(keys)
    holed[7] = holed[23] = None
    deliveries = [
        sink.publish(Outgoing(topic=topic, keys=holed, values=keys)),
        sink.publish(Outgoing(topic=other, keys=keys, values=keys)),
    ]
    assert all(delivery.wait(PATIENCE) for delivery in deliveries)
    assert set(deliveries[0].failures()) == {7, 23}
    assert all(isinstance(error, LogError) for error in deliveries[0].failures().values())
    assert deliveries[1].failures() == {}
    # And the sink is as good as new.
    again = sink.publish(Outgoing(topic=topic, keys=keys, values=keys))
    assert again.wait(PATIENCE)
    assert again.failures() == {}
    sink.close(PATIENCE)
    reader = Reader(world.log(), topic).until(78)
    assert len(reader.rows) == 78
    reader.source.close()


def test_a_limit_lowered_meanwhile_costs_the_rows_over_it(world: KafkaWorld) -> None:
    topic = world.new_topic()
    sink = world.log().sink()
    assert sink.max_record_bytes(topic) > 1_000_000
    with admin(world.connection()) as client:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": "5000"})
        client.alter_configs([resource])
    # Random, as brokers measure what is left after compression.
    values: list[bytes | None] = [b"first", random.Random(1).randbytes(10_000), b"last"]
    delivery = sink.publish(Outgoing(topic=topic, keys=[None] * 3, values=values))
    assert delivery.wait(PATIENCE)
    assert set(delivery.failures()) == {1}
    assert isinstance(delivery.failures()[1], RecordTooLargeError)
    # The new limit is known now.
    assert sink.max_record_bytes(topic) < 5_000
    sink.close(PATIENCE)
    reader = Reader(world.log(), topic).until(2)
    assert sorted(reader.values, key=str) == [b"first", b"last"]
    reader.source.close()
