from __future__ import annotations

import pytest

from models.training.report import percent, table
from models.training.slices import Share


@pytest.mark.parametrize(
    ("count", "of", "expected"),
    [
        (0, 0, ""),
        (0, 100, "0.00 % (0.00 to 3.70)"),
        (50, 100, "50.00 % (40.38 to 59.62)"),
        (100, 100, "100.00 % (96.30 to 100.00)"),
    ],
    ids=["of nothing", "none", "half", "all"],
)
def test_a_share_is_said_with_its_interval(count: int, of: int, expected: str) -> None:
    assert percent(Share(count=count, of=of)) == expected


def test_a_cell_cannot_break_the_table() -> None:
    assert table(("a", "b"), [("x|y", "z\n# heading")]) == [
        "| a | b |",
        "| --- | --- |",
        "| x\\|y | z\\n# heading |",
        "",
    ]
