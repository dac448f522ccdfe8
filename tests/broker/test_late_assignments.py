"""Partitions that are handed to a member in the moment in which it leaves."""

from __future__ import annotations

import time

import pytest

from tests.broker.groups import members
from tests.broker.node import RunningNode
from tests.contracts.reader import PATIENCE, Reader
from tests.contracts.worlds import KafkaWorld

pytestmark = pytest.mark.kafka


def wait_for_partitions(world: KafkaWorld) -> None:
    """Until the group has given its only member its partitions."""
    connection = world.connection()
    deadline = time.monotonic() + PATIENCE
    while not (found := members(connection)):
        assert time.monotonic() < deadline
    (member,) = found
    assert member["member_assignment"]["assigned_partitions"]


def test_nobody_is_told_of_partitions_that_come_while_leaving(kafka_node: RunningNode) -> None:
    world = KafkaWorld(kafka_node.bootstrap_servers, "confluent")
    topic = world.new_topic(2)
    Reader(world.log(), topic).until_assigned(2).source.close()
    # librdkafka joins on a thread of its own, and tells from inside of the next call.
    leaver = Reader(world.log(), topic)
    try:
        wait_for_partitions(world)
    finally:
        leaver.source.close()
    assert leaver.told == []
    another = Reader(world.log(), topic).until_assigned(2)
    another.source.close()
