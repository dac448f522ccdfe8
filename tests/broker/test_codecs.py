"""Topics come in every codec, and verdicts may go out in any."""

from __future__ import annotations

import dataclasses

import pytest

from tests.broker.node import RunningNode
from tests.contracts.reader import PATIENCE, Reader
from tests.contracts.worlds import CLIENTS, Client, KafkaWorld
from workers.log.contract import Outgoing
from workers.log.opening import open_log

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize(("writes", "reads"), [CLIENTS, CLIENTS[::-1]])
def test_values_come_back_as_they_went(
    kafka_node: RunningNode, codec: str, writes: Client, reads: Client
) -> None:
    world = KafkaWorld(kafka_node.bootstrap_servers, writes)
    topic = world.new_topic()
    connection = dataclasses.replace(
        world.connection(), overrides={"compression.type": codec, "linger.ms": "50"}
    )
    values: list[bytes | None] = [b'{"url":"http://example.com/%d"}' % n for n in range(2_000)]
    sink = open_log(connection).sink()
    delivery = sink.publish(Outgoing(topic=topic, keys=[None] * len(values), values=values))
    assert delivery.wait(PATIENCE)
    assert not delivery.failures()
    sink.close(PATIENCE)
    other = KafkaWorld(kafka_node.bootstrap_servers, reads)
    reader = Reader(other.log(), topic).until(len(values))
    assert reader.values == values
    reader.source.close()
