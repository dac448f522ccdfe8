"""No garbage is looked for while a model is loaded, and all is as before afterwards."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from workers import heap

# Python looks for garbage when so many more objects were made than went away; and more than that.
MANY = 10 * gc.get_threshold()[0]


@contextmanager
def counted() -> Iterator[list[str]]:
    """How often Python looks for garbage."""
    looks: list[str] = []

    def look(phase: str, _: object) -> None:
        looks.append(phase)

    gc.callbacks.append(look)
    try:
        yield looks
    finally:
        gc.callbacks.remove(look)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_python_looks_for_no_garbage_while_something_is_loaded() -> None:
    with counted() as looks:
        with heap.loading():
            kept = [[number] for number in range(MANY)]
            assert not looks
        kept += [[number] for number in range(MANY)]
        assert looks


def test_it_looks_again_after_a_load_that_failed() -> None:
    with pytest.raises(ZeroDivisionError), heap.loading():
        _ = 1 // 0
    assert gc.isenabled()


def test_who_has_switched_it_off_finds_it_off() -> None:
    gc.disable()
    with heap.loading():
        pass
    assert not gc.isenabled()


def test_what_is_settled_is_not_looked_through() -> None:
    kept = [[number] for number in range(MANY)]
    with heap.settled():
        assert gc.get_freeze_count() > len(kept)
    assert gc.get_freeze_count() == 0
