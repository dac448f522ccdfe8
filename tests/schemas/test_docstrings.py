from __future__ import annotations

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize(
    "name",
    ["contracts", "further", "json_columns", "label", "telemetry_path", "text", "timestamps"],
)
def test_examples_in_docstrings_hold(name: str) -> None:
    results = doctest.testmod(import_module(f"schemas.{name}"))
    assert results.attempted > 0
    assert results.failed == 0
