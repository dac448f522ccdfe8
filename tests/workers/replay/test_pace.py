from __future__ import annotations

import pytest

from workers.replay.pace import Pace


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_no_rate_never_waits() -> None:
    pace = Pace()
    pace.took(10**9)
    assert pace.wait() == 0.0
    assert pace.most(1024) == 1024


def test_events_are_given_out_at_the_rate_in_small_portions() -> None:
    clock = _Clock()
    pace = Pace(1_000, clock)
    clock.now += 1.0
    read, waited = 0, 0.0
    while waited < 10.0:
        if (early := pace.wait()) > 0:
            clock.now += early
            waited += early
        read += (some := pace.most(1024))
        assert some == 100
        pace.took(some)
    # A second's worth is made up for at the beginning.
    assert read == pytest.approx(11_000, abs=200)


def test_a_long_pause_is_not_made_up_for() -> None:
    clock = _Clock()
    pace = Pace(10, clock)
    clock.now += 3_600.0
    pace.took(20)
    assert pace.wait() == pytest.approx(1.0)


def test_a_slow_rate_gives_one_at_a_time() -> None:
    assert Pace(1).most(1024) == 1


def test_pause_and_go_on() -> None:
    pace = Pace()
    seen = [pace.paused]
    for turn in (pace.pause, pace.pause, pace.go_on):
        turn()
        seen.append(pace.paused)
    assert seen == [False, True, True, False]
