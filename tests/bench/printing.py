"""Tables of what was measured, for the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.table import Table as RichTable

from tests.bench.results import Row, Table

_PLAIN: Final = 100


def shown(value: float) -> str:
    """A figure with as many digits as mean something."""
    if abs(value) >= _PLAIN:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def cells(table: Table) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of a table, as text."""
    figures = list(dict.fromkeys(name for row in table.rows for name in row.medians))
    against = [f"times {table.baseline}"] if table.baseline else []
    return (
        ["", *figures, *against],
        [
            [
                row.contestant,
                *(_cell(row, name, spread=not number) for number, name in enumerate(figures)),
                *(["" if row.ratio is None else f"{row.ratio:.2f}"] if against else []),
            ]
            for row in table.rows
        ],
    )


def _cell(row: Row, figure: str, *, spread: bool) -> str:
    if figure not in row.medians:
        return ""
    value = shown(row.medians[figure])
    if not spread or row.rounds == 1:
        return value
    return f"{value} ({shown(row.least[figure])} to {shown(row.greatest[figure])})"


def print_tables(tables: Iterable[Table], console: Console) -> None:
    """To a terminal."""
    for table in tables:
        headings, rows = cells(table)
        grid = RichTable(title=f"{table.subject}: {table.part}", title_justify="left")
        for number, heading in enumerate(headings):
            grid.add_column(heading, justify="right" if number else "left", no_wrap=not number)
        for row in rows:
            grid.add_row(*row)
        console.print(grid)


def markdown(tables: Iterable[Table]) -> str:
    """As a page."""
    parts = []
    for table in tables:
        headings, rows = cells(table)
        lines = [
            f"## {table.subject}: {table.part}",
            "| " + " | ".join(headings) + " |",
            "|" + "---|" * len(headings),
            *("| " + " | ".join(row) + " |" for row in rows),
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
