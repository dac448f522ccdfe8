"""A chain overlaps its steps, keeps order, holds up whoever offers too much, and fails loudly."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from workers.stages import Chain, Step


def test_items_pass_all_steps_in_order() -> None:
    seen: list[int] = []
    chain = Chain(
        [Step(name="double", work=lambda item: item * 2), Step(name="keep", work=seen.append)]
    )
    for item in range(50):
        while not chain.offer(item, 10):
            pass
    assert chain.close(60)
    assert seen == [item * 2 for item in range(50)]


def test_a_step_that_makes_many_of_one_makes_the_next_when_the_last_is_taken() -> None:
    asked: list[int] = []
    taken: list[int] = []
    ahead: list[int] = []

    def parts(item: int) -> Iterator[int]:
        for part in range(item):
            asked.append(part)
            yield part

    def take(part: int) -> None:
        ahead.append(len(asked) - len(taken))
        taken.append(part)

    chain = Chain([Step(name="split", work=parts, many=True), Step(name="take", work=take)])
    assert chain.offer(100, 60)
    assert chain.offer(0, 60)
    assert chain.close(60)
    assert taken == list(range(100))
    # One in the taker's hands, one in its inbox, one that waits for room.
    assert max(ahead) <= 3


def test_steps_overlap() -> None:
    # The first step can only end its second item when the second step is at its first: they meet.
    meeting = threading.Barrier(2)

    def first(item: int) -> int:
        if item == 1:
            meeting.wait(60)
        return item

    def second(item: int) -> None:
        if item == 0:
            meeting.wait(60)

    chain = Chain([Step(name="first", work=first), Step(name="second", work=second)])
    assert chain.offer(0, 60)
    assert chain.offer(1, 60)
    assert chain.close(60)


def test_a_full_chain_refuses() -> None:
    hold = threading.Event()
    chain = Chain([Step(name="slow", work=lambda _: hold.wait(60))], depth=1)
    assert chain.offer(0, 60)
    offered = 1
    while chain.offer(offered, 0.01):
        offered += 1
    # One in the step's hands, one in its inbox.
    assert offered <= 2
    hold.set()
    assert chain.close(60)


def test_what_a_step_raises_reaches_the_owner() -> None:
    def fail(_item: object) -> None:
        raise ValueError("broken step")

    chain = Chain([Step(name="fail", work=fail)])
    chain.offer(0, 60)
    with pytest.raises(ValueError, match="broken step"):
        chain.close(60)
    with pytest.raises(ValueError, match="broken step"):
        chain.check()


def test_a_failure_downstream_does_not_leave_the_owner_waiting() -> None:
    def fail(_item: object) -> None:
        raise ValueError("broken step")

    chain = Chain([Step(name="pass", work=lambda item: item), Step(name="fail", work=fail)])

    def offer_for_ever() -> None:
        while True:
            chain.offer(0, 60)

    with pytest.raises(ValueError, match="broken step"):
        offer_for_ever()


def test_closing_is_bounded_in_time() -> None:
    hold = threading.Event()
    chain = Chain([Step(name="stuck", work=lambda _: hold.wait(60))])
    assert chain.offer(0, 60)
    assert not chain.close(0.05)
    hold.set()


def test_the_last_step_is_finished_with_the_deadline() -> None:
    deadlines: list[float] = []
    chain = Chain([Step(name="last", work=lambda _: None, finish=deadlines.append)])
    before = time.monotonic()
    assert chain.close(60)
    assert len(deadlines) == 1
    assert before + 60 <= deadlines[0] <= time.monotonic() + 60


def test_an_idle_step_is_called_now_and_then() -> None:
    idle = threading.Event()
    chain = Chain([Step(name="idle", work=lambda _: None, idle=idle.set)])
    assert idle.wait(60)
    assert chain.close(60)
