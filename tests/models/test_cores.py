"""Cores that a process may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.cores import usable_cores

ALL = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("told", "cores"),
    [
        ("100000 100000\n", 1),
        ("50000 100000\n", 1),
        ("110000 100000\n", min(2, ALL)),
        (f"{(ALL + 5) * 100_000} 100000\n", ALL),
        ("max 100000\n", ALL),
        ("0 100000\n", 1),
        ("100000 0\n", ALL),
        ("", ALL),
        ("what is this\n", ALL),
    ],
)
def test_a_container_s_quota_bounds_the_cores(tmp_path: Path, told: str, cores: int) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(told)
    assert usable_cores(file) == cores


def test_where_no_quota_is_stated_there_is_none(tmp_path: Path) -> None:
    assert usable_cores(tmp_path / "cpu.max") == ALL
