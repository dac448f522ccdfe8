from __future__ import annotations

import threading
from collections.abc import Iterable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.cli.feeding import Feeder, Shape, Tally
from workers.log.memory import MemoryLog
from workers.log.memory_broker import MemoryBroker

TOPIC = "telemetry.urls"


class Clock:
    """Time that passes only while somebody pauses."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def fed(
    broker: MemoryBroker,
    batches: Iterable[list[bytes]],
    shape: Shape | None = None,
    *,
    topic: str = TOPIC,
) -> Tally:
    feeder = Feeder(MemoryLog(broker).sink(), topic, shape=shape or Shape())
    for _ in feeder.feed(batches):
        pass
    feeder.finish()
    return feeder.tally


def on_topic(broker: MemoryBroker) -> list[tuple[bytes | None, bytes | None]]:
    records = [r for partition in broker.topic(TOPIC).partitions for r in partition.records]
    return [(record.key, record.value) for record in records]


@pytest.fixture
def broker() -> MemoryBroker:
    broker = MemoryBroker()
    broker.create_topic(TOPIC)
    return broker


def test_json_goes_out_byte_for_byte_and_broken_lines_too(broker: MemoryBroker) -> None:
    lines = [b'{"url": "http://a" }', b"{broken", b"\xff", b"  {}  "]

    tally = fed(broker, [lines])

    assert on_topic(broker) == [(None, line) for line in lines]
    assert (tally.sent, tally.acknowledged, tally.complete) == (4, 4, True)


@given(st.text(min_size=1).filter(lambda text: text.strip() and "\n" not in text))
def test_plain_lines_are_wrapped(text: str) -> None:
    broker = MemoryBroker()
    broker.create_topic(TOPIC)

    fed(broker, [[text.encode()]], Shape(wrap_in="path"))

    ((key, value),) = on_topic(broker)
    assert key is None
    assert orjson.loads(value or b"") == {"path": text}


def test_blank_lines_are_left_out_and_counted(broker: MemoryBroker) -> None:
    tally = fed(broker, [[b"", b"a"], [b" "]], Shape(wrap_in="url"))

    assert (tally.blank, tally.sent, tally.complete) == (2, 1, True)
    assert on_topic(broker) == [(None, b'{"url":"a"}')]


def test_a_plain_line_that_is_not_utf8_is_refused(broker: MemoryBroker) -> None:
    tally = fed(broker, [[b"a", b"\xff"]], Shape(wrap_in="url"))

    assert tally.refused == {"not UTF-8": 1}
    assert (tally.given, tally.acknowledged, tally.complete) == (2, 1, False)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b'{"id": "a\\u00e9"}', "aé".encode()),
        (b'{"id": 12}', b"12"),
        (b'{"id": null}', None),
        (b"{}", None),
        (b"[]", None),
        (b"{broken", None),
    ],
    ids=["text", "number", "null", "without", "no object", "no JSON"],
)
def test_the_key_is_a_field(broker: MemoryBroker, line: bytes, key: bytes | None) -> None:
    fed(broker, [[line]], Shape(key_field="id"))

    assert on_topic(broker) == [(key, line)]


def test_the_key_of_a_plain_line_is_the_line(broker: MemoryBroker) -> None:
    fed(broker, [[b"http://a"]], Shape(wrap_in="url", key_field="url"))

    assert on_topic(broker) == [(b"http://a", b'{"url":"http://a"}')]


def test_what_the_log_refuses_is_counted_by_reason(broker: MemoryBroker) -> None:
    broker.create_topic("small", max_message_bytes=200)

    tally = fed(broker, [[b"a", b"b" * 300, b"c"], [b"d" * 300]], topic="small")

    assert (tally.sent, tally.acknowledged, tally.complete) == (4, 2, False)
    assert tally.failures.total() == 2


def test_a_topic_that_is_missing(broker: MemoryBroker) -> None:
    tally = fed(broker, [[b"a", b"b"]], topic="missing")

    assert tally.acknowledged == 0
    assert tally.failures == {"topic 'missing' does not exist": 2}


@given(
    st.lists(st.lists(st.just(b"x"), max_size=50), max_size=10),
    st.floats(1, 10_000),
)
def test_never_faster_than_the_rate(batches: list[list[bytes]], rate: float) -> None:
    broker = MemoryBroker()
    broker.create_topic(TOPIC)
    clock = Clock()
    feeder = Feeder(
        MemoryLog(broker).sink(), TOPIC, shape=Shape(), rate=rate, clock=clock, pause=clock.pause
    )
    step = max(1.0, rate * 0.05)

    for tally in feeder.feed(batches):
        assert tally.sent <= rate * clock.now + step + 1e-6

    assert feeder.tally.sent == sum(map(len, batches))
    assert clock.now <= feeder.tally.sent / rate


def test_waits_while_too_much_is_under_way(broker: MemoryBroker) -> None:
    """What is read and not yet acknowledged stays bounded, however slow the cluster is."""
    broker.hold_acknowledgements()
    feeder = Feeder(MemoryLog(broker).sink(), TOPIC, shape=Shape())
    taken = 0
    full = threading.Event()

    def batches() -> Iterable[list[bytes]]:
        nonlocal taken
        for _ in range(100):
            taken += 1
            if taken == 33:
                full.set()
            yield [b"x"]

    feeding = threading.Thread(target=lambda: [*feeder.feed(batches())])
    feeding.start()
    assert full.wait(10)
    assert taken == 33
    broker.release_acknowledgements()
    feeding.join(10)
    feeder.finish()

    assert feeder.tally.acknowledged == 100
