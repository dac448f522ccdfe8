"""The thread that sends is woken once a turn, and never too seldom."""

from __future__ import annotations

import pytest
from kafka.producer.sender import Sender

from workers.log.kafka_producer import _Sender


@pytest.fixture
def wakings(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    calls: list[None] = []
    monkeypatch.setattr(Sender, "wakeup", lambda _: calls.append(None))
    return calls


def sender() -> _Sender:
    idle = object.__new__(_Sender)  # its thread would want a cluster
    idle.woken = False
    return idle


def test_rows_that_come_in_one_turn_wake_it_once(wakings: list[None]) -> None:
    waiting = sender()
    for _ in range(5):
        waiting.wakeup()
    assert len(wakings) == 1


def test_a_row_that_comes_while_it_looks_for_rows_wakes_it_anew(
    wakings: list[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = sender()
    waiting.wakeup()
    # As the client looks for rows: one that comes from here on is not sure to be seen.
    monkeypatch.setattr(Sender, "run_once", lambda self: self.wakeup())
    waiting.run_once()
    assert len(wakings) == 2
