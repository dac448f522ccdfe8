from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.training.batches import BatchPlan

ROWS = st.integers(1, 400)
SIZES = st.integers(1, 40)
SEEDS = st.integers(0, 20)
EPOCHS = st.integers(0, 5)


def order_of(plan: BatchPlan, rows: int, number: int = 0) -> list[list[int]]:
    return [batch.tolist() for batch, _ in plan.epoch(rows, number)]


@given(rows=ROWS, size=SIZES, seed=SEEDS, number=EPOCHS)
@settings(deadline=None)
def test_an_epoch_shows_every_row_at_most_once_in_full_batches(
    rows: int, size: int, seed: int, number: int
) -> None:
    plan = BatchPlan(size=size, seed=seed)
    epoch = order_of(plan, rows, number)
    shown = [row for batch in epoch for row in batch]
    assert len(shown) == len(set(shown))
    assert set(shown) <= set(range(rows))
    assert len(epoch) == plan.steps(rows)
    assert {len(batch) for batch in epoch} == {min(size, rows)}
    # What is left over is less than a batch.
    assert rows - len(shown) < size


@given(rows=ROWS, size=SIZES, seed=SEEDS, number=EPOCHS)
@settings(deadline=None)
def test_an_epoch_is_the_same_whenever_it_is_asked_for(
    rows: int, size: int, seed: int, number: int
) -> None:
    plan = BatchPlan(size=size, seed=seed)
    first = order_of(plan, rows, number)
    order_of(plan, rows, number + 1)
    assert order_of(BatchPlan(size=size, seed=seed), rows, number) == first


@pytest.mark.parametrize("number", [0, 3])
def test_seed_and_number_of_the_epoch_decide_the_order(number: int) -> None:
    one = order_of(BatchPlan(size=8, seed=4), 200, number)
    assert one != order_of(BatchPlan(size=8, seed=5), 200, number)
    assert one != order_of(BatchPlan(size=8, seed=4), 200, number + 1)


def test_rows_left_over_by_one_epoch_are_shown_by_another() -> None:
    plan = BatchPlan(size=64)
    shown = {row for number in range(8) for batch in order_of(plan, 100, number) for row in batch}
    assert shown == set(range(100))


def test_what_is_drawn_for_a_batch_is_the_same_whenever_the_epoch_is_asked_for() -> None:
    def drawn(number: int) -> list[float]:
        epoch = BatchPlan(size=16, seed=1).epoch(100, number)
        return [float(np.round(generator.random(), 12)) for _, generator in epoch]

    assert drawn(2) == drawn(2)
    assert drawn(2) != drawn(3)
    assert len(set(drawn(2))) == len(drawn(2))
