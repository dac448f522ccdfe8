from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from tests.workers.replay.ground import place, wanted
from tests.workers.running import INPUT
from workers.errors import ConfigurationError, TopicMissingError
from workers.log.contract import TopicPartition
from workers.log.lookup import Bounds
from workers.log.memory_broker import MemoryBroker
from workers.log.memory_lookup import MemoryLookup
from workers.range_reader import Span
from workers.replay.range import Fixed, Wanted, fix_range
from workers.settings.policies import Topics

TOPICS = Topics(input_topic=INPUT, verdict_topic="again", dead_letter_topic="again.dead")


@pytest.fixture
def broker() -> MemoryBroker:
    """Partitions of ten events a minute apart, at 1,000 ms, 61,000 ms and so on."""
    broker = MemoryBroker()
    for topic in (INPUT, "again", "again.dead"):
        broker.create_topic(topic, 2)
    for number in range(20):
        broker.append(INPUT, b"{}", partition=number % 2, timestamp=1_000 + number // 2 * 60_000)
    return broker


def fixed(broker: MemoryBroker, asked: Wanted) -> Fixed:
    return fix_range(MemoryLookup(broker), TOPICS, asked, group="weir-replay-x")


def test_all_there_is(broker: MemoryBroker) -> None:
    found = fixed(broker, wanted())
    assert found == Fixed(spans={place(0): Span(0, 10), place(1): Span(0, 10)})
    assert found.size == 20


def test_by_time(broker: MemoryBroker) -> None:
    found = fixed(broker, wanted(from_time=60_000, to_time=181_000))
    assert found.spans == {place(0): Span(1, 3), place(1): Span(1, 3)}
    assert not found.notes


def test_by_offset_and_partition(broker: MemoryBroker) -> None:
    asked = wanted(from_offsets={1: 4}, to_offsets={1: 6}, partitions=[1])
    assert fixed(broker, asked).spans == {place(1): Span(4, 6)}


def test_a_range_after_the_end_is_empty(broker: MemoryBroker) -> None:
    found = fixed(broker, wanted(from_time=10**12))
    assert found.spans == {place(0): Span(10, 10), place(1): Span(10, 10)}


def test_what_retention_removed_is_counted_where_offsets_were_given(broker: MemoryBroker) -> None:
    broker.remove_before(place(0), 4)
    found = fixed(broker, wanted(from_offsets={0: 1, 1: 2}, to_offsets={0: 3}))
    assert found.spans == {place(0): Span(4, 4), place(1): Span(2, 10)}
    assert found.gone == 2
    assert found.notes[-1] == "2 of the range are gone: retention"


def test_a_time_before_the_first_record_says_that_more_may_be_gone(broker: MemoryBroker) -> None:
    broker.remove_before(place(0), 4)
    found = fixed(broker, wanted(from_time=0))
    assert found.spans[place(0)] == Span(4, 10)
    (note,) = found.notes
    assert note.startswith(f"{INPUT}[0]: the log begins at offset 4")
    assert note.endswith("is gone: retention")


def test_notes_are_of_the_partitions_asked_for(broker: MemoryBroker) -> None:
    broker.remove_before(place(0), 4)
    assert not fixed(broker, wanted(from_time=0, partitions=[1])).notes


class _OpenTransaction:
    """A partition of which 3 offsets of 10 are in a transaction."""

    def bounds(self, topic: str) -> Mapping[TopicPartition, Bounds]:
        return {TopicPartition(topic, 0): Bounds(0, 7, 10)}

    def first_since(self, topic: str, timestamp: int) -> Mapping[TopicPartition, int]:
        raise NotImplementedError

    def committed(
        self, groups: Collection[str], topic: str
    ) -> Mapping[str, Mapping[TopicPartition, int]]:
        return {}


def test_the_range_ends_before_an_open_transaction() -> None:
    found = fix_range(_OpenTransaction(), TOPICS, wanted(), group="weir-replay-x")
    assert found.spans == {place(0): Span(0, 7)}
    (note,) = found.notes
    assert "an open transaction hides what is from 7 on" in note


@pytest.mark.parametrize(
    "asked",
    [
        wanted(partitions=[2]),
        wanted(from_offsets={7: 0}),
        wanted(from_offsets={0: 5}, to_offsets={0: 4}),
    ],
)
def test_ranges_that_are_none(broker: MemoryBroker, asked: Wanted) -> None:
    with pytest.raises(ConfigurationError, match=r"partition|ends at 4"):
        fixed(broker, asked)


def test_a_missing_topic_is_told_before_anything_begins(broker: MemoryBroker) -> None:
    topics = Topics(input_topic=INPUT, verdict_topic="nowhere", dead_letter_topic="again.dead")
    with pytest.raises(TopicMissingError, match="nowhere"):
        fix_range(MemoryLookup(broker), topics, wanted(), group="weir-replay-x")


def test_long_ranges_are_told_as_a_digest() -> None:
    assert wanted(words="--from 7d").told == "--from 7d"
    long = wanted(words="0:1," * 1_000).told
    assert long.startswith("sha256:")
    assert long != wanted(words="0:2," * 1_000).told
