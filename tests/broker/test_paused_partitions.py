"""Partitions that are paused with records in hand, and read on later."""

from __future__ import annotations

import pytest

from tests.broker.node import RunningNode
from tests.contracts.reader import PATIENCE
from tests.contracts.worlds import KafkaWorld
from workers.log.contract import Outgoing
from workers.log.kafka_spans import KafkaSpans

pytestmark = pytest.mark.kafka


def test_spans_that_adjoin_are_read_one_after_the_other(kafka_node: RunningNode) -> None:
    """The end of a span pauses its partition with the records behind it in hand."""
    world = KafkaWorld(kafka_node.bootstrap_servers)
    topic = world.new_topic(4)
    sink = world.log().sink()
    for number in range(4):
        rows = Outgoing(
            topic=topic,
            keys=[None] * 400,
            values=[b"x" * 100] * 400,
            partitions=[number] * 400,
        )
        assert sink.publish(rows).wait(PATIENCE)
    sink.close(PATIENCE)
    with KafkaSpans(world.connection()) as reader:
        for begin in range(0, 400, 50):
            spans = dict.fromkeys(range(4), (begin, begin + 50))
            assert sum(len(records) for records in reader.read(topic, spans)) == 200
        assert not reader.unread
