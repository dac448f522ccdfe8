"""Topics come in every codec, and verdicts may go out in any."""

from __future__ import annotations

import dataclasses

import pytest

from tests.broker.node import RunningNode
from tests.contracts.reader import PATIENCE, Reader
from tests.contracts.worlds import KafkaWorld
from workers.log.contract import Outgoing
from workers.log.kafka import KafkaLog

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_values_come_back_as_they_went(kafka_node: RunningNode, codec: str) -> None:
    world = KafkaWorld(kafka_node.bootstrap_servers)
    topic = world.new_topic()
    connection = dataclasses.replace(
        world.connection(), overrides={"compression.type": codec, "linger.ms": "50"}
    )
    values: list[bytes | None] = [b'{"url":"http://example.com/%d"}' % n for n in range(2_000)]
    sink = KafkaLog(connection).sink()
    delivery = sink.publish(Outgoing(topic=topic, keys=[None] * len(values), values=values))
    assert delivery.wait(PATIENCE)
    assert not delivery.failures()
    sink.close(PATIENCE)
    reader = Reader(world.log(), topic).until(len(values))
    assert reader.values == values
    reader.source.close()
