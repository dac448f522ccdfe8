"""A breaker opens on too many failures, probes, and closes by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from structlog.testing import capture_logs

from tests.workers.test_offsets import records
from workers.breaker import Breaker
from workers.log.contract import Records, TopicPartition
from workers.settings.policies import BreakerPolicy

TOPIC = "telemetry.urls"
ZERO, ONE = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)
POLICY = BreakerPolicy(records=100, window_ms=60_000, pause_ms=30_000)


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(POLICY, clock)


def rows(partition: int, count: int, start: int = 0) -> Records:
    return records([partition] * count, list(range(start, start + count)))


def judge(breaker: Breaker, judged: Records, failed: int) -> None:
    """Judge records of which the first so many fail."""
    breaker.judged(TOPIC, judged.partitions, judged.offsets, np.arange(len(judged)) < failed)


def test_more_than_the_share_of_enough_records_opens_it(breaker: Breaker) -> None:
    judge(breaker, rows(0, 50), 50)
    assert breaker.held() == frozenset()
    judge(breaker, rows(0, 50, 50), 0)
    assert breaker.held() == frozenset()
    judge(breaker, rows(0, 2, 100), 2)
    assert breaker.held() == breaker.open() == {ZERO}


def test_partitions_are_counted_apart(breaker: Breaker) -> None:
    both = records([0, 1] * 200, [offset // 2 for offset in range(400)])
    breaker.judged(TOPIC, both.partitions, both.offsets, both.partitions == 1)
    assert breaker.held() == {ONE}


def test_what_failed_long_ago_counts_no_more(breaker: Breaker, clock: Clock) -> None:
    judge(breaker, rows(0, 99), 99)
    clock.now += 61
    judge(breaker, rows(0, 99, 99), 40)
    clock.now += 30
    judge(breaker, rows(0, 10, 198), 10)
    assert breaker.open() == frozenset()


def test_many_small_batches_count_as_few_large_ones(breaker: Breaker, clock: Clock) -> None:
    for start in range(0, 100, 2):
        assert breaker.open() == frozenset()
        judge(breaker, rows(0, 2, start), 2)
        clock.now += 1
    assert breaker.open() == {ZERO}


def opened(breaker: Breaker) -> None:
    judge(breaker, rows(0, 100), 100)
    assert breaker.held() == {ZERO}


def test_after_the_pause_it_is_probed_and_closes(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    # What was in hand when it opened says nothing new.
    judge(breaker, rows(0, 50, 100), 50)
    clock.now += 30
    assert breaker.held() == frozenset()
    probe = rows(0, 20, 150)
    breaker.polled(probe)
    assert breaker.held() == breaker.open() == {ZERO}
    judge(breaker, rows(0, 10, 150), 6)
    assert breaker.open() == {ZERO}
    with capture_logs() as logs:
        judge(breaker, rows(0, 10, 160), 1)
    assert breaker.held() == breaker.open() == frozenset()
    assert [(entry["records"], entry["failed"]) for entry in logs] == [(20, 7)]


def test_a_probe_that_fails_opens_it_again(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 30
    breaker.polled(rows(0, 4, 100))
    judge(breaker, rows(0, 4, 100), 3)
    assert breaker.held() == {ZERO}
    clock.now += 29
    assert breaker.held() == {ZERO}
    clock.now += 1
    assert breaker.held() == frozenset()
    assert breaker.open() == {ZERO}


def test_it_says_why_and_how_to_go_on(breaker: Breaker) -> None:
    with capture_logs() as logs:
        opened(breaker)
    (told,) = logs
    assert (told["log_level"], told["partition"]) == ("error", 0)
    assert (told["records"], told["failed"], told["next_try_s"]) == (100, 100, 30)
    assert "weir dead list" in told["event"]
    assert "--breaker off" in told["event"]


def test_a_partition_that_has_gone_is_forgotten(breaker: Breaker) -> None:
    opened(breaker)
    breaker.forget([ZERO])
    assert breaker.held() == breaker.open() == frozenset()


def test_off_it_never_opens(clock: Clock) -> None:
    breaker = Breaker(BreakerPolicy(on=False, records=1), clock)
    judge(breaker, rows(0, 1_000), 1_000)
    assert breaker.held() == frozenset()
