"""Rates of all contestants as bars, matter by matter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.bench.results import Table

_OURS: Final = "#0b6e99"
_THEIRS: Final = "#b0b0b0"
_INCH_A_BAR: Final = 0.34


def draw(tables: Sequence[Table], folder: Path) -> list[Path]:
    """Draw tables whose first figure is a rate; PNG for pages, SVG for print."""
    import matplotlib as mpl  # noqa: PLC0415 - a second, and not every run draws

    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    rates = [table for table in tables if _figure(table).endswith("/s")]
    if not rates:
        return []
    bars = [len(table.rows) for table in rates]
    figure, axes = plt.subplots(
        len(rates),
        1,
        figsize=(9, 0.8 * len(rates) + _INCH_A_BAR * sum(bars)),
        height_ratios=bars,
        squeeze=False,
        layout="constrained",
    )
    for table, (axis,) in zip(rates, axes, strict=True):
        name = _figure(table)
        rows = [row for row in table.rows if name in row.medians][::-1]
        values = [row.medians[name] for row in rows]
        spread = [
            [row.medians[name] - row.least[name] for row in rows],
            [row.greatest[name] - row.medians[name] for row in rows],
        ]
        colours = [_OURS if "Fishweir" in row.contestant else _THEIRS for row in rows]
        axis.barh([row.contestant for row in rows], values, xerr=spread, color=colours, capsize=2)
        for place, (row, value) in enumerate(zip(rows, values, strict=True)):
            times = "" if row.ratio is None else f" ({row.ratio:.1f}x)"
            axis.annotate(
                f"{value:,.0f}{times}",
                (row.greatest[name], place),  # behind the bar of the spread
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        axis.set_title(f"{table.subject}: {table.part}, {name}", loc="left", fontsize=10)
        axis.margins(x=0.18)
        axis.set_xlim(left=0)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    files = [folder / f"rates.{kind}" for kind in ("png", "svg")]
    for file in files:
        figure.savefig(file, dpi=150)
    plt.close(figure)
    return files


def _figure(table: Table) -> str:
    return next(iter(table.rows[0].medians), "") if table.rows else ""
