"""Records of transactions: aborted ones stay hidden, and their markers do not hold up the lag."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kafka import KafkaProducer

from tests.broker.node import RunningNode
from tests.contracts.reader import Reader, poll_until
from tests.contracts.worlds import CLIENTS, KafkaWorld
from workers.log.contract import TopicPartition

pytestmark = pytest.mark.kafka


@pytest.fixture(params=CLIENTS)
def world(request: pytest.FixtureRequest, kafka_node: RunningNode) -> KafkaWorld:
    return KafkaWorld(kafka_node.bootstrap_servers, request.param)


@pytest.fixture
def producer(world: KafkaWorld) -> Iterator[KafkaProducer]:
    producer = KafkaProducer(
        bootstrap_servers=world.bootstrap_servers, transactional_id=world.connection().group_id
    )
    producer.init_transactions()
    yield producer
    producer.close()


def transaction(producer: KafkaProducer, topic: str, values: list[bytes], *, abort: bool) -> None:
    producer.begin_transaction()
    for value in values:
        producer.send(topic, value)
    if abort:
        producer.flush()
        producer.abort_transaction()
    else:
        producer.commit_transaction()


def test_positions_move_past_markers_and_aborted_records(
    world: KafkaWorld, producer: KafkaProducer
) -> None:
    topic = world.new_topic()
    place = TopicPartition(topic, 0)
    transaction(producer, topic, [b"a", b"b"], abort=False)
    transaction(producer, topic, [b"x", b"y", b"z"], abort=True)
    transaction(producer, topic, [b"c"], abort=False)
    transaction(producer, topic, [b"w"], abort=True)
    # Offsets: a b marker x y z marker c marker w marker.
    reader = Reader(world.log(), topic, commits=False)
    poll_until([reader], lambda: reader.source.positions() == {place: 11})
    assert reader.values == [b"a", b"b", b"c"]
    assert [row.offset for row in reader.rows] == [0, 1, 7]
    assert reader.source.lag() == {place: 0}
    reader.source.commit(reader.source.positions())
    reader.source.close()
    assert world.committed("group", topic) == {place: 11}


def test_a_topic_of_aborted_records_alone_reaches_lag_zero(
    world: KafkaWorld, producer: KafkaProducer
) -> None:
    topic = world.new_topic()
    place = TopicPartition(topic, 0)
    transaction(producer, topic, [b"x"] * 10, abort=True)
    reader = Reader(world.log(), topic, commits=False)
    poll_until([reader], lambda: reader.source.positions() == {place: 11})
    assert reader.rows == []
    reader.source.commit(reader.source.positions())
    reader.source.close()
    assert world.committed("group", topic) == {place: 11}
