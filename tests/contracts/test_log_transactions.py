"""What holds of transactions on either log (`workers.log.transactions.Transactions`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from kafka.errors import KafkaTimeoutError

from tests.contracts.reader import PATIENCE, Reader, poll_until
from tests.contracts.worlds import Client, KafkaWorld, MemoryWorld, World
from workers.errors import (
    AssignmentLostError,
    ConfigurationError,
    LogUnavailableError,
    RecordTooLargeError,
)
from workers.log.confluent_producer import ServedProducer
from workers.log.contract import Membership, Outgoing, TopicPartition
from workers.log.kafka_producer import Producer
from workers.log.transactions import Transactions


@pytest.fixture
def topic(world: World) -> str:
    return world.new_topic(2)


@pytest.fixture
def transactions(world: World) -> Iterator[Transactions]:
    made = world.log().transactions()
    yield made
    made.close(PATIENCE)


@pytest.fixture
def reader(world: World) -> Iterator[Reader]:
    """Member of the group whose positions are committed, on a topic of its own."""
    made = Reader(world.log(), world.new_topic(), commits=False).until_assigned(1)
    yield made
    made.source.close()


def rows(topic: str, *values: bytes, partition: int = 0) -> Outgoing:
    return Outgoing(
        topic=topic,
        keys=[None] * len(values),
        values=values,
        partitions=[partition] * len(values),
    )


def values_of(world: World, topic: str, count: int) -> list[bytes | None]:
    """What a reader of committed records sees; a last row of the test's own marks the end."""
    sink = world.log().sink()
    assert sink.publish(rows(topic, b"end")).wait(PATIENCE)
    sink.close(PATIENCE)
    reader = Reader(world.log("onlooker"), topic, commits=False)
    poll_until([reader], lambda: b"end" in reader.values and len(reader.rows) > count)
    reader.source.close()
    return [value for value in reader.values if value != b"end"]


def position(world: World, reader: Reader) -> int | None:
    return world.committed("group", reader.topic).get(TopicPartition(reader.topic, 0))


def positions(reader: Reader, offset: int) -> dict[Membership, dict[TopicPartition, int]]:
    return {reader.source.membership(): {TopicPartition(reader.topic, 0): offset}}


def test_rows_and_positions_come_together(
    world: World, topic: str, transactions: Transactions, reader: Reader
) -> None:
    other = world.new_topic()
    outgoing = [rows(topic, b"a", b"b", partition=1), rows(other, b"x")]
    assert not any(transactions.commit(outgoing, positions(reader, 7), PATIENCE))
    assert not any(transactions.commit([rows(topic, b"c")], positions(reader, 9), PATIENCE))
    assert sorted(values_of(world, topic, 3), key=str) == [b"a", b"b", b"c"]
    assert values_of(world, other, 1) == [b"x"]
    assert position(world, reader) == 9


def test_rows_go_to_the_partitions_they_name(
    world: World, topic: str, transactions: Transactions, reader: Reader
) -> None:
    transactions.commit([rows(topic, b"a", b"b", partition=1)], positions(reader, 1), PATIENCE)
    onlooker = Reader(world.log("onlooker"), topic, commits=False).until(2)
    assert {row.partition for row in onlooker.rows} == {1}
    onlooker.source.close()


def test_positions_may_come_alone(world: World, transactions: Transactions, reader: Reader) -> None:
    assert not any(transactions.commit([], positions(reader, 5), PATIENCE))
    assert position(world, reader) == 5


def test_several_groups_commit_at_once(
    world: World, topic: str, transactions: Transactions, reader: Reader
) -> None:
    place = TopicPartition(topic, 0)
    first, second = (Membership(group_id=_group(world, name)) for name in ("first", "second"))
    transactions.commit([rows(topic, b"a")], {first: {place: 3}, second: {place: 4}}, PATIENCE)
    assert world.committed("first", topic) == {place: 3}
    assert world.committed("second", topic) == {place: 4}


def _group(world: World, name: str) -> str:
    return world.connection(name).group_id if isinstance(world, KafkaWorld) else name


def test_a_row_that_is_too_large_keeps_all_back(
    world: World, transactions: Transactions, reader: Reader
) -> None:
    small = world.new_topic(max_message_bytes=2_000)
    sent = [rows(small, b"a", b"x" * 5_000, b"b")]
    (refused,) = transactions.commit(sent, positions(reader, 3), PATIENCE)
    assert set(refused) == {1}
    assert isinstance(refused[1], RecordTooLargeError)
    assert position(world, reader) is None
    transactions.commit([rows(small, b"a", b"b")], positions(reader, 3), PATIENCE)
    assert values_of(world, small, 2) == [b"a", b"b"]


def test_a_member_of_an_earlier_generation_is_fenced(
    world: World, topic: str, transactions: Transactions, reader: Reader
) -> None:
    before = positions(reader, 5)
    world.expel_all("group", [TopicPartition(reader.topic, 0)])
    poll_until([reader], lambda: any(told == "lost" for told, _ in reader.told))
    poll_until([reader], lambda: bool(reader.held))
    with pytest.raises(AssignmentLostError):
        transactions.commit([rows(topic, b"zombie")], before, PATIENCE)
    assert position(world, reader) is None
    transactions.commit([rows(topic, b"a")], positions(reader, 5), PATIENCE)
    assert values_of(world, topic, 1) == [b"a"]
    assert position(world, reader) == 5


def test_who_is_no_member_has_no_membership(world: World, reader: Reader) -> None:
    assert reader.source.membership().generation >= 0
    world.expel_all("group", [TopicPartition(reader.topic, 0)])

    def expelled() -> bool:
        try:
            reader.source.membership()
        except AssignmentLostError:
            return True
        return False

    poll_until([reader], lambda: expelled() or any(told == "lost" for told, _ in reader.told))
    poll_until([reader], lambda: not expelled() and bool(reader.held))


def test_who_takes_over_a_name_ends_the_one_before(
    world: World, topic: str, reader: Reader
) -> None:
    first = world.log().transactions("name-" + topic)
    first.commit([rows(topic, b"a")], positions(reader, 1), PATIENCE)
    second = world.log().transactions("name-" + topic)
    second.commit([rows(topic, b"b")], positions(reader, 2), PATIENCE)
    with pytest.raises(ConfigurationError, match="taken over"):
        first.commit([rows(topic, b"never")], positions(reader, 3), PATIENCE)
    first.close(PATIENCE)
    second.close(PATIENCE)
    assert values_of(world, topic, 2) == [b"a", b"b"]
    assert position(world, reader) == 2


@pytest.mark.parametrize("committed", [True, False])
def test_without_an_answer_the_same_call_finds_out(
    world: World,
    topic: str,
    transactions: Transactions,
    reader: Reader,
    monkeypatch: pytest.MonkeyPatch,
    *,
    committed: bool,
) -> None:
    lose_answer(world, monkeypatch, committed=committed)
    sent, after = [rows(topic, b"a")], positions(reader, 5)
    with pytest.raises(LogUnavailableError):
        transactions.commit(sent, after, PATIENCE)
    assert not any(transactions.commit(sent, after, PATIENCE))
    assert values_of(world, topic, 1) == [b"a"]
    assert position(world, reader) == 5


def test_what_ended_without_an_answer_does_not_stand_in_for_the_next(
    world: World,
    topic: str,
    transactions: Transactions,
    reader: Reader,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lose_answer(world, monkeypatch, committed=True)
    with pytest.raises(LogUnavailableError):
        transactions.commit([rows(topic, b"a")], positions(reader, 5), PATIENCE)
    assert not any(transactions.commit([rows(topic, b"b")], positions(reader, 6), PATIENCE))
    assert values_of(world, topic, 2) == [b"a", b"b"]


def lose_answer(world: World, monkeypatch: pytest.MonkeyPatch, *, committed: bool) -> None:
    """Let the next transaction end without an answer, whichever way it went."""
    if isinstance(world, MemoryWorld):
        world.broker.lose_answers(committed)
        return
    assert isinstance(world, KafkaWorld)
    kind, error = of_client(world.client)
    answer: Callable[[object, float], None] = kind.commit_within

    def lost(producer: object, timeout: float) -> None:
        monkeypatch.setattr(kind, "commit_within", answer)
        if committed:
            answer(producer, timeout)
        raise error

    monkeypatch.setattr(kind, "commit_within", lost)


def of_client(client: Client) -> tuple[Any, Exception]:
    """What commits transactions there, and what it raises where no answer comes."""
    if client == "kafka-python":
        return Producer, KafkaTimeoutError("no answer")
    return ServedProducer, KafkaException(KafkaError(KafkaError._TIMED_OUT, "no answer"))
