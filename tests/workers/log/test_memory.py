"""What tests order of the in-process log: gaps, silence, faults."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from structlog.testing import capture_logs

from workers.errors import AssignmentLostError, LogUnavailableError, RecordTooLargeError
from workers.log.contract import Outgoing, TopicPartition
from workers.log.memory import MemoryLog
from workers.log.memory_broker import MemoryBroker

PLACE = TopicPartition("topic", 0)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Listener:
    def __init__(self) -> None:
        self.told: list[str] = []

    def on_assigned(self, partitions: Iterable[TopicPartition]) -> None:
        self.told.append("assigned")

    def on_revoked(self, partitions: Iterable[TopicPartition]) -> None:
        self.told.append("revoked")

    def on_lost(self, partitions: Iterable[TopicPartition]) -> None:
        self.told.append("lost")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def broker(clock: Clock) -> MemoryBroker:
    broker = MemoryBroker(clock)
    broker.create_topic("topic")
    return broker


def rows(*values: bytes) -> Outgoing:
    return Outgoing(topic="topic", keys=[None] * len(values), values=values)


def test_positions_move_past_gaps(broker: MemoryBroker) -> None:
    broker.append("topic", b"a")
    broker.skip_offsets(PLACE, 3)
    broker.append("topic", b"b")
    broker.skip_offsets(PLACE, 2)
    source = MemoryLog(broker).source()
    source.subscribe("topic", Listener())
    assert source.poll(1, 0).offsets.tolist() == [0]
    assert source.positions() == {PLACE: 4}
    assert source.poll(1, 0).offsets.tolist() == [4]
    assert source.positions() == {PLACE: 7}
    assert source.lag() == {PLACE: 0}


def test_times_are_the_clocks(broker: MemoryBroker) -> None:
    MemoryLog(broker).sink().publish(rows(b"a"))
    source = MemoryLog(broker).source()
    source.subscribe("topic", Listener())
    assert source.poll(1, 0).timestamps.tolist() == [1_000_000]


def test_a_silent_member_is_expelled(broker: MemoryBroker, clock: Clock) -> None:
    log = MemoryLog(broker, max_poll_interval=10.0)
    listeners = [Listener(), Listener()]
    silent, other = log.source(), log.source()
    silent.subscribe("topic", listeners[0])
    silent.poll(1, 0)
    other.subscribe("topic", listeners[1])
    clock.now += 11
    other.poll(1, 0)
    assert listeners[1].told == ["assigned"]
    with pytest.raises(AssignmentLostError):
        silent.commit({PLACE: 1})
    silent.poll(1, 0)
    assert listeners[0].told == ["assigned", "lost"]


def test_rows_are_refused_to_order(broker: MemoryBroker) -> None:
    error = RecordTooLargeError("as ordered")
    broker.refuse_next(error)
    delivery = MemoryLog(broker).sink().publish(rows(b"a", b"b"))
    assert delivery.failures() == {0: error}


def test_acknowledgements_wait_for_their_release(broker: MemoryBroker) -> None:
    sink = MemoryLog(broker).sink()
    broker.hold_acknowledgements()
    delivery = sink.publish(rows(b"a"))
    assert not sink.flush(0)
    # The record is there; only its publisher does not know.
    source = MemoryLog(broker).source()
    source.subscribe("topic", Listener())
    assert len(source.poll(1, 0)) == 1
    assert not delivery.done()
    broker.release_acknowledgements()
    assert delivery.done()
    assert sink.flush(0)


def test_a_log_that_is_away_says_so(broker: MemoryBroker) -> None:
    source, sink = MemoryLog(broker).source(), MemoryLog(broker).sink()
    source.subscribe("topic", Listener())
    source.poll(1, 0)
    broker.set_reachable(False)
    with pytest.raises(LogUnavailableError):
        source.poll(1, 0)
    with pytest.raises(LogUnavailableError):
        source.commit({PLACE: 0})
    assert isinstance(sink.publish(rows(b"a")).failures()[0], LogUnavailableError)
    broker.set_reachable(True)
    assert sink.publish(rows(b"a")).failures() == {}
    assert len(source.poll(1, 0)) == 1


def test_a_topic_made_anew_is_read_from_its_start(broker: MemoryBroker) -> None:
    for _ in range(3):
        broker.append("topic", b"old")
    source = MemoryLog(broker).source()
    source.subscribe("topic", Listener())
    assert len(source.poll(10, 0)) == 3
    broker.recreate_topic("topic")
    broker.append("topic", b"new")
    with capture_logs() as logs:
        assert source.poll(10, 0).values == [b"new"]
    assert [entry["position"] for entry in logs] == [3]
