"""Rows of a batch among threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from models.engines.crew import Crew, threads_for
from tests.models.networks import featurise

TEXTS = [f"a.example/{'x' * number}" for number in range(50)]


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("at_once", [1, 7, 50, 64])
def test_every_row_is_worked_at_once(threads: int, at_once: int) -> None:
    features = featurise(TEXTS)
    times = np.zeros(len(TEXTS), np.float32)

    def seen(part: object, counted: NDArray[np.float32]) -> NDArray[np.float32]:
        counted += 1
        return part.seen.astype(np.float32)  # type: ignore[attr-defined,no-any-return]

    logits = Crew(threads).gather(seen, features, at_once, times)
    assert np.array_equal(logits, features.seen)
    assert times.tolist() == [1.0] * len(TEXTS)


def test_no_rows_are_no_work() -> None:
    assert Crew(2).gather(lambda part: part.seen, featurise([]), 4).shape == (0,)


@pytest.mark.parametrize("threads", [1, 3])
def test_what_a_part_raises_is_raised_once_all_threads_are_done(threads: int) -> None:
    running = threading.Semaphore(0)

    def fail(part: object) -> NDArray[np.float32]:
        running.release()
        raise MemoryError("no room")

    crew = Crew(threads)
    with pytest.raises(MemoryError, match="no room"):
        crew.gather(fail, featurise(TEXTS), 1)
    assert running.acquire(blocking=False)
    # It is of use afterwards.
    ones = crew.gather(lambda part: np.ones(len(part), np.float32), featurise(TEXTS), 8)
    assert ones.tolist() == [1.0] * len(TEXTS)


def test_threads_are_as_many_as_told_else_a_few() -> None:
    assert threads_for(7) == 7
    assert 1 <= threads_for(0) <= 4
