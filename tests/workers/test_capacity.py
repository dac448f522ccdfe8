"""What is remembered of memory that ran out."""

from __future__ import annotations

from workers.capacity import Capacity


def passed(capacity: Capacity, batches: int) -> int:
    for _ in range(batches):
        capacity.succeeded()
    return capacity.rows


def test_without_a_failure_there_is_no_limit() -> None:
    capacity = Capacity(patience=3)
    assert passed(capacity, 100) >= 1 << 40


def test_the_limit_doubles_after_so_many_batches_and_ends_where_it_began() -> None:
    capacity = Capacity(patience=3)
    capacity.exhausted(1024, fits=128)
    assert [passed(capacity, n) for n in (2, 1, 3)] == [128, 256, 512]
    assert passed(capacity, 3) >= 1 << 40


def test_a_failure_on_the_way_up_begins_the_count_anew() -> None:
    capacity = Capacity(patience=3)
    capacity.exhausted(1024, fits=128)
    assert passed(capacity, 5) == 256
    capacity.exhausted(256, fits=128)
    assert passed(capacity, 2) == 128
    assert passed(capacity, 1) >= 1 << 40


def test_one_row_is_always_allowed() -> None:
    capacity = Capacity()
    capacity.exhausted(1, fits=0)
    assert capacity.rows == 1
