from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.workers.replay.ground import place
from tests.workers.running import INPUT
from workers.errors import PositionLostError
from workers.log.contract import Records, TopicPartition
from workers.log.memory import MemoryLog
from workers.log.memory_broker import MemoryBroker
from workers.range_reader import Span
from workers.replay.bounded_source import BoundedSource
from workers.replay.pace import Pace

GROUP = "weir-replay-x"


class _Owner:
    """Who is told of partitions."""

    def __init__(self) -> None:
        self.held: set[TopicPartition] = set()

    def on_assigned(self, partitions: Iterable[TopicPartition]) -> None:
        self.held |= set(partitions)

    def on_revoked(self, partitions: Iterable[TopicPartition]) -> None:
        self.held -= set(partitions)

    def on_lost(self, partitions: Iterable[TopicPartition]) -> None:
        self.held -= set(partitions)


@pytest.fixture
def broker() -> MemoryBroker:
    broker = MemoryBroker()
    broker.create_topic(INPUT, 3)
    for number in range(30):
        broker.append(INPUT, b"%d" % number, partition=number % 3)
    return broker


def source_of(
    broker: MemoryBroker, spans: dict[TopicPartition, Span], pace: Pace | None = None
) -> BoundedSource:
    group = broker.groups[GROUP]
    group.commit({at: span.begin for at, span in spans.items() if at not in group.committed}, {})
    inner = MemoryLog(broker, GROUP).source()
    source = BoundedSource(inner, spans, pace or Pace(), wait=lambda _: None)
    source.subscribe(INPUT, _Owner())
    return source


def read(source: BoundedSource, turns: int = 6) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for _ in range(turns):
        found += rows(source.poll(4, 0.0))
    return sorted(found)


def rows(records: Records) -> list[tuple[int, int]]:
    return list(zip(records.partitions.tolist(), records.offsets.tolist(), strict=True))


def test_what_is_within_the_spans_is_given_once_and_nothing_else(broker: MemoryBroker) -> None:
    source = source_of(broker, {place(0): Span(2, 5), place(2): Span(0, 1)})
    assert read(source, 20) == [(0, 2), (0, 3), (0, 4), (2, 0)]
    assert source.positions() == {place(0): 5, place(2): 1}
    assert source.lag() == {place(0): 0, place(2): 0}
    assert source.at_ends
    # Nor what is written later.
    broker.append(INPUT, b"new", partition=0)
    assert read(source) == []
    assert source.repeated == 0


def test_a_gap_at_the_end_is_read_past(broker: MemoryBroker) -> None:
    broker.skip_offsets(place(1), 5)
    source = source_of(broker, {place(1): Span(8, 15)})
    assert read(source, 20) == [(1, 8), (1, 9)]
    assert source.positions() == {place(1): 15}
    assert source.at_ends


def test_a_gap_across_the_end_does_not_move_the_position_past_it(broker: MemoryBroker) -> None:
    broker.skip_offsets(place(1), 5)
    broker.append(INPUT, b"after", partition=1)
    source = source_of(broker, {place(1): Span(8, 12)})
    assert read(source, 20) == [(1, 8), (1, 9)]
    assert source.positions() == {place(1): 12}


def test_an_empty_span_is_at_its_end_and_gives_nothing(broker: MemoryBroker) -> None:
    source = source_of(broker, {place(0): Span(0, 0)})
    assert read(source) == []
    assert source.at_ends


def test_a_span_of_which_retention_removes_all_is_at_its_end(broker: MemoryBroker) -> None:
    broker.remove_before(place(0), 7)
    source = source_of(broker, {place(0): Span(2, 5)})
    assert read(source) == []
    assert source.positions() == {place(0): 5}
    assert source.at_ends


@pytest.mark.parametrize("span", [Span(0, 9), Span(4, 9)])
def test_a_topic_that_is_made_anew_is_not_taken_for_the_range(
    broker: MemoryBroker, span: Span
) -> None:
    source = source_of(broker, {place(0): span})
    for _ in range(2):
        source.poll(3, 0.0)
    broker.recreate_topic(INPUT)
    for number in range(2):
        broker.append(INPUT, b"%d" % number, partition=0)
    with pytest.raises(PositionLostError, match="made anew"):
        read(source)


def test_a_group_that_lost_its_positions_does_not_begin_again(broker: MemoryBroker) -> None:
    inner = MemoryLog(broker, GROUP).source()
    source = BoundedSource(inner, {place(0): Span(0, 9)}, Pace(), begun={place(0): 5})
    source.subscribe(INPUT, _Owner())
    with pytest.raises(PositionLostError, match="positions of the run's group were removed"):
        read(source)


def test_what_is_given_again_is_counted(broker: MemoryBroker) -> None:
    source = source_of(broker, {place(0): Span(0, 6)})
    assert len(read(source)) == 6
    broker.expel(GROUP, [place(0)])
    assert len(read(source)) == 6
    assert source.repeated == 6


def test_nothing_is_given_before_the_spans_are_confirmed(broker: MemoryBroker) -> None:
    class NotOursError(Exception):
        pass

    def refuse() -> None:
        raise NotOursError

    inner = MemoryLog(broker, GROUP).source()
    source = BoundedSource(inner, {place(0): Span(0, 6)}, Pace(), confirm=refuse)
    source.subscribe(INPUT, _Owner())
    for _ in range(2):
        with pytest.raises(NotOursError):
            source.poll(10, 0.0)


def test_a_pause_gives_nothing_and_keeps_the_partitions(broker: MemoryBroker) -> None:
    pace = Pace()
    source = source_of(broker, {place(0): Span(0, 6)}, pace)
    pace.pause()
    assert read(source) == []
    assert source.membership().member_id
    # A member that comes meanwhile gets its share.
    other = source_of(broker, {place(0): Span(0, 6)})
    other.poll(1, 0.0)
    source.poll(1, 0.0)
    other.poll(1, 0.0)
    pace.go_on()
    other.close()
    assert read(source) == [(0, offset) for offset in range(6)]


def test_a_pause_of_the_owner_and_of_the_operator_hold_each_by_itself(broker: MemoryBroker) -> None:
    pace = Pace()
    source = source_of(broker, {place(0): Span(0, 6)}, pace)
    read(source, 1)
    source.pause()
    pace.pause()
    pace.go_on()
    assert read(source) == []
    pace.pause()
    source.resume()
    assert read(source) == []
    pace.go_on()
    assert len(read(source)) == 6


def test_what_the_owner_holds_is_held_beside_what_is_done(broker: MemoryBroker) -> None:
    source = source_of(broker, {place(0): Span(0, 6), place(1): Span(0, 6)})
    source.poll(1, 0.0)
    source.hold({place(0)})
    assert {number for number, _ in read(source)} == {1}
    source.hold(set())
    assert {number for number, _ in read(source)} == {0}
    assert source.at_ends


def test_a_rate_is_kept(broker: MemoryBroker) -> None:
    now = [0.0]
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        now[0] += seconds

    inner = MemoryLog(broker, GROUP).source()
    spans = {place(number): Span(0, 10) for number in range(3)}
    source = BoundedSource(inner, spans, Pace(2, lambda: now[0]), wait=wait)
    source.subscribe(INPUT, _Owner())
    # Two at once are a second's worth, which may be made up for.
    now[0] += 1.0
    found = 0
    while found < 12:
        found += len(source.poll(100, 0.1))
    assert now[0] == pytest.approx(12 / 2, abs=0.7)
    assert max(waited) <= 0.1
