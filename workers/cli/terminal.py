"""Printing for people: colours on a terminal, plain text elsewhere and with NO_COLOR.

Everything goes through `schemas.text.visible`, so that nothing printed can drive the terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence


def printer(*, err: bool = False) -> Console:
    """A console on standard output (or error) that guesses nothing about the text it prints."""
    return Console(stderr=err, highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    emphasis: Sequence[bool] = (),
    title: str | None = None,
) -> None:
    """Print rows under heads: a table on a terminal, columns padded with spaces elsewhere.

    Args:
        heads: What stands above the columns.
        rows: Cells as text, escaped here.
        emphasis: For each row, whether it stands out on a terminal.
        title: What stands above the table.
    """
    cells = [[visible(cell) for cell in row] for row in rows]
    console = printer()
    if not console.is_terminal:
        if title is not None:
            typer.echo(visible(title))
        lines = [list(heads), *cells]
        widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
        for line in lines:
            padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            typer.echo("  ".join(padded).rstrip())
        return
    table = Table(
        *heads, title=None if title is None else Text(visible(title)), title_justify="left"
    )
    for i, row in enumerate(cells):
        stands_out = i < len(emphasis) and emphasis[i]
        table.add_row(*map(Text, row), style="bold" if stands_out else None)
    console.print(table)
