"""Compiled loops, wherever they are installed."""

from __future__ import annotations

import pytest
from numba.core import caching

from models.compiled import compiled, compiled_reordered


def halves(number: float) -> float:
    return number / 2


@pytest.mark.parametrize("make", [compiled, compiled_reordered], ids=lambda make: make.__name__)
def test_where_nothing_can_be_kept_functions_are_compiled_all_the_same(
    make: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All folders are read-only, as numba finds it.
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
    assert callable(make)
    assert make(halves)(3.0) == 1.5
