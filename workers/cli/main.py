"""The entry point of `weir`: finds the verb, and turns errors into one line and an exit code.

Exit codes: 0 all went well; 1 something failed, or part of the input did; 2 a setting or an
option is wrong; 130 interrupted.

A verb is a module with ``register(app)``, which adds its command to the app, and whose heavy
imports (Kafka, Keras) stand inside its functions. Only the verb asked for is imported.
"""

from __future__ import annotations

import shlex
import sys
from importlib import import_module, metadata
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from schemas.text import visible
from workers import heap
from workers.cli.app import new_app
from workers.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS: Final = {
    "work": "workers.cli.work",
    "score": "workers.cli.score",
    "feed": "workers.cli.feed",
    "watch": "workers.cli.watch",
    "replay": "workers.cli.replay",
    "verify": "workers.cli.verify",
    "dead": "workers.cli.dead",
    "topics": "workers.cli.topics",
    "check-config": "workers.cli.check_config",
    "schema": "workers.cli.schema",
    "train": "workers.cli.train",
    "evaluate": "workers.cli.evaluate",
    "models": "workers.cli.models",
    "demo": "workers.cli.demo",
}
"""Verbs in the order of the help, and the modules that have them."""

_FAILED: Final = 1
_MISUSED: Final = 2


def main() -> None:
    """Run the command line of this process, and end it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Where the terminal has no letter for a character, an escape stands for it.
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    heap.leave()
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run ``weir`` with ``arguments``; return the exit code."""
    try:
        command = shlex.join(["weir", *arguments])
        build(arguments)(args=list(arguments), prog_name="weir", obj=command)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else _FAILED
    except Exception as error:
        # An error that says whether trying again can help was raised on purpose, with a message
        # for the operator (ours, the models', the contracts' and the Kafka client's all do);
        # any other is a mistake of ours and keeps its traceback.
        if not isinstance(getattr(error, "retriable", None), bool):
            raise
        for line in (str(error) or type(error).__name__).splitlines():
            typer.echo(f"Error: {visible(line)}", err=True)
        return _MISUSED if isinstance(error, ConfigurationError) else _FAILED
    return 0


def build(arguments: Sequence[str]) -> typer.Typer:
    """The app with the verb that ``arguments`` begin with, or with all for help and mistakes."""
    app = new_app(
        help="Fishweir: Kafka telemetry in, scored and explained verdicts out.", cls=_InOrder
    )
    app.callback()(_top)
    named = arguments[0] if arguments else None
    for module in [VERBS[named]] if named in VERBS else VERBS.values():
        import_module(module).register(app)
    return app


class _InOrder(TyperGroup):
    """Shows the verbs in their order; Typer puts those without verbs of their own first."""

    def list_commands(self, ctx: Any) -> list[str]:
        known = super().list_commands(ctx)
        return [verb for verb in VERBS if verb in known]


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"weir {metadata.version('fishweir')}")
        raise typer.Exit


def _top(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    pass
