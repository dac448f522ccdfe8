"""Partitions that are paused with records in hand, and read on later."""

from __future__ import annotations

import pytest

from tests.broker.node import RunningNode
from tests.contracts.reader import PATIENCE, Reader, poll_until
from tests.contracts.worlds import CLIENTS, Client, KafkaWorld
from workers.log.contract import Outgoing, TopicPartition

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("client", CLIENTS)
def test_what_is_in_hand_of_a_held_partition_comes_once_it_is_let_go(
    kafka_node: RunningNode, client: Client
) -> None:
    world = KafkaWorld(kafka_node.bootstrap_servers, client)
    topic = world.new_topic(2)
    sink = world.log().sink()

    def publish(number: int, count: int) -> None:
        rows = Outgoing(
            topic=topic, keys=[None] * count, values=[b"x"] * count, partitions=[number] * count
        )
        assert sink.publish(rows).wait(PATIENCE)

    reader = Reader(world.log(), topic, commits=False).until_assigned(2)
    publish(0, 100)
    while not reader.rows:
        reader.poll(10)
    reader.source.hold({TopicPartition(topic, 0)})
    reader.poll(10)
    before = len(reader.rows)
    assert before < 100
    # An answer of the other partition is used up meanwhile.
    publish(1, 1)
    poll_until([reader], lambda: len(reader.rows) == before + 1)
    reader.source.hold(())
    poll_until([reader], lambda: len(reader.rows) == 101)
    reader.source.close()
    sink.close(PATIENCE)
