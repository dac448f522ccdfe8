from __future__ import annotations

import numpy as np

from workers.log.contract import Records, TopicPartition
from workers.metrics.backlog import Backlog
from workers.offsets import InHand

TOPIC = "telemetry.urls"
ONE, TWO = TopicPartition(TOPIC, 1), TopicPartition(TOPIC, 2)
NOW = 1_000_000.0


def records(*rows: tuple[TopicPartition, float]) -> Records:
    """Of partitions, with timestamps in seconds."""
    count = len(rows)
    return Records(
        topic=TOPIC,
        partitions=np.array([place.partition for place, _ in rows], np.int32),
        offsets=np.arange(count, dtype=np.int64),
        timestamps=np.array([int(at * 1000) for _, at in rows], np.int64),
        keys=[None] * count,
        values=[b""] * count,
        headers=[()] * count,
    )


def in_hand(events: int, at: float) -> InHand:
    return InHand(events=events, oldest_ms=int(at * 1000))


def test_nothing_to_do_is_no_lag_and_no_age() -> None:
    backlog = Backlog(now=lambda: NOW)
    assert backlog.measure({}, {}) == ({}, 0)
    backlog.assigned([ONE])
    assert backlog.measure({ONE: 0}, {}) == ({ONE: 0}, 0)


def test_the_oldest_in_hand_is_as_old_as_its_timestamp_and_counts_as_lag() -> None:
    backlog = Backlog(now=lambda: NOW)
    backlog.assigned([ONE, TWO])
    backlog.read(records((ONE, NOW - 60), (TWO, NOW - 80), (ONE, NOW - 50)))
    lag, oldest = backlog.measure(
        {ONE: 100, TWO: 0}, {ONE: in_hand(2, NOW - 60), TWO: in_hand(1, NOW - 80)}
    )
    assert lag == {ONE: 102, TWO: 1}
    assert oldest == 80


def test_what_is_unread_is_as_old_as_the_last_that_was_read() -> None:
    backlog = Backlog(now=lambda: NOW)
    backlog.assigned([ONE])
    backlog.read(records((ONE, NOW - 60), (ONE, NOW - 50)))
    assert backlog.measure({ONE: 3}, {}) == ({ONE: 3}, 50)


def test_what_is_unread_is_younger_than_the_moment_when_nothing_was() -> None:
    now = [NOW]
    backlog = Backlog(now=lambda: now[0])
    backlog.assigned([ONE])
    backlog.read(records((ONE, NOW - 60)))
    backlog.measure({ONE: 0}, {})
    now[0] += 7
    assert backlog.measure({ONE: 3}, {}) == ({ONE: 3}, 7)
    # Without news of the ends nothing is known to have been read to the end.
    now[0] += 7
    assert backlog.measure({}, {}) == ({ONE: 0}, 0)
    assert backlog.measure({ONE: 3}, {}) == ({ONE: 3}, 14)


def test_before_anything_is_read_age_counts_from_the_assignment() -> None:
    now = [NOW]
    backlog = Backlog(now=lambda: now[0])
    backlog.assigned([ONE])
    now[0] += 30
    assert backlog.measure({ONE: 3}, {}) == ({ONE: 3}, 30)


def test_records_without_timestamps_count_from_when_they_were_unread_at_the_latest() -> None:
    now = [NOW]
    backlog = Backlog(now=lambda: now[0])
    backlog.assigned([ONE])
    now[0] += 30
    backlog.read(records((ONE, -0.001)))
    assert backlog.measure({ONE: 0}, {ONE: InHand(events=1)}) == ({ONE: 1}, 30)


def test_a_producer_whose_clock_is_ahead_makes_no_negative_age() -> None:
    backlog = Backlog(now=lambda: NOW)
    backlog.assigned([ONE])
    assert backlog.measure({ONE: 0}, {ONE: in_hand(1, NOW + 60)}) == ({ONE: 1}, 0)


def test_partitions_that_have_gone_are_told_no_more() -> None:
    backlog = Backlog(now=lambda: NOW)
    backlog.assigned([ONE, TWO])
    backlog.gone([ONE])
    backlog.read(records((ONE, NOW - 60)))
    assert backlog.measure({ONE: 5, TWO: 1}, {ONE: in_hand(5, NOW - 60)}) == ({TWO: 1}, 0)
