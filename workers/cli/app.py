"""What every `typer.Typer` of the command line has in common."""

from __future__ import annotations

import sys
from typing import Any

import typer


def new_app(**more: Any) -> typer.Typer:
    """A Typer app: boxes and colours on a terminal, plain text elsewhere.

    Typer's own tracebacks are off, for they print local variables, passwords among them.
    """
    return typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich" if sys.stdout.isatty() else None,
        context_settings={"help_option_names": ["-h", "--help"]},
        **more,
    )
