"""`weir dead`: look at what could not be judged, and send it back after a fix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.cli.app import new_app
from workers.cli.dead_list import list_letters
from workers.cli.dead_redrive import redrive
from workers.cli.dead_show import show

if TYPE_CHECKING:
    import typer


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = new_app(help="Look at what could not be judged, and send it back after a fix.")
    group.command("list", short_help="Count dead letters by cause and time.")(list_letters)
    group.command("show", short_help="Show one dead letter.")(show)
    group.command("redrive", short_help="Send dead letters back to be judged again.")(redrive)
    app.add_typer(group, name="dead")
