"""Headers whose names are not UTF-8: their records are read like any other."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import pytest

from tests.broker.node import RunningNode
from tests.contracts.reader import PATIENCE, Reader
from tests.contracts.worlds import CLIENTS, Client, KafkaWorld
from tests.workers.odd_headers import NotUtf8
from workers.errors import LogUnavailableError
from workers.log.confluent_headers import HeaderReader
from workers.log.contract import Headers, Outgoing, TopicPartition

pytestmark = pytest.mark.kafka

GIVEN: Final[list[Headers]] = [
    (("traceparent", b"1"),),
    ((NotUtf8("x"), b"1"), ("", b""), ("straße", b"3"), (NotUtf8("y"), b"4")),
    (),
    ((NotUtf8("x"), b"1"),),
    (("traceparent", b"2"), (NotUtf8("x"), b"\xff")),
]
READ: Final[list[Headers]] = [
    [(NotUtf8.read if isinstance(name, NotUtf8) else name, content) for name, content in headers]
    for headers in GIVEN
]
TIMES: Final = 40
PARTITIONS: Final = 2


def fed(world: KafkaWorld) -> str:
    """A topic with the headers many times, the partitions by turns."""
    topic = world.new_topic(PARTITIONS)
    count = TIMES * len(GIVEN)
    # kafka-python writes such names, if it is made to.
    sink = KafkaWorld(world.bootstrap_servers).log().sink()
    rows = Outgoing(
        topic=topic,
        keys=[None] * count,
        values=[b"%d" % number for number in range(count)],
        headers=GIVEN * TIMES,
        partitions=[number % PARTITIONS for number in range(count)],
    )
    assert sink.publish(rows).wait(PATIENCE)
    sink.close(PATIENCE)
    return topic


def seen(reader: Reader) -> dict[int, Headers]:
    """The headers by the number of the record; each came once, in order."""
    for partition in range(PARTITIONS):
        offsets = [row.offset for row in reader.rows if row.partition == partition]
        assert offsets == list(range(len(offsets)))
    return {int(row.value or b""): list(row.headers) for row in reader.rows}


@pytest.mark.parametrize("client", CLIENTS)
def test_the_names_have_replacement_characters(kafka_node: RunningNode, client: Client) -> None:
    world = KafkaWorld(kafka_node.bootstrap_servers, client)
    reader = Reader(world.log(), fed(world)).until(TIMES * len(GIVEN))
    assert seen(reader) == dict(enumerate(READ * TIMES))
    reader.source.close()


def test_a_cluster_that_is_away_meanwhile_is_waited_for(
    kafka_node: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [LogUnavailableError("away")] * 3

    def failing(
        reader: HeaderReader, wanted: Collection[tuple[int, int]]
    ) -> dict[tuple[int, int], Headers]:
        if failures:
            raise failures.pop()
        return read(reader, wanted)

    read = HeaderReader.read
    monkeypatch.setattr(HeaderReader, "read", failing)
    world = KafkaWorld(kafka_node.bootstrap_servers, "confluent")
    topic = fed(world)
    reader = Reader(world.log(), topic).until(TIMES * len(GIVEN))
    assert not failures
    assert seen(reader) == dict(enumerate(READ * TIMES))
    each = TIMES * len(GIVEN) // PARTITIONS
    ends = {TopicPartition(topic, number): each for number in range(PARTITIONS)}
    assert reader.source.positions() == ends
    reader.source.close()


def test_records_that_are_removed_meanwhile_come_without_those_headers(
    kafka_node: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = KafkaWorld(kafka_node.bootstrap_servers, "confluent")
    topic = fed(world)
    each = TIMES * len(GIVEN) // PARTITIONS

    def removing(
        reader: HeaderReader, wanted: Collection[tuple[int, int]]
    ) -> dict[tuple[int, int], Headers]:
        for number in range(PARTITIONS):
            world.remove_before(TopicPartition(topic, number), each)
        return read(reader, wanted)

    read = HeaderReader.read
    monkeypatch.setattr(HeaderReader, "read", removing)
    reader = Reader(world.log(), topic)
    while not reader.rows:
        reader.poll(each)
    spoilt = [NotUtf8.read in dict(headers) for headers in READ]
    for number, headers in seen(reader).items():
        kind = number % len(GIVEN)
        assert headers == ([] if spoilt[kind] else READ[kind])
    reader.source.close()
