"""`weir watch`: show verdicts as they come."""

from __future__ import annotations

import os
import secrets
import select
import sys
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from workers.cli.options import CLIENT, takes_settings
from workers.settings.resolve import Given, load
from workers.signals import stopping_on_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from schemas.verdict_reader import Verdict
    from workers.cli.watching import Seen, Watcher

    Show = Callable[[list[tuple[bytes, Verdict]]], None]

_INTERRUPTED: Final = 130


class _Label(StrEnum):
    """`schemas.label.Label` without its numpy, for the help; typer takes no list of literals."""

    BENIGN = "benign"
    SUSPICIOUS = "suspicious"
    MALICIOUS = "malicious"


@takes_settings(*CLIENT, "verdict_topic", "isolation_level", "log_level", "log_format")
def watch(
    given: Given,
    *,
    labels: Annotated[
        list[_Label] | None,
        typer.Option(
            "--label",
            metavar="benign|suspicious|malicious",
            help="Show verdicts of this label only; repeatable. Default: all labels.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        Literal["beginning", "now"],
        typer.Option(
            "--from",
            metavar="beginning|now",
            help="Where to start: with the oldest verdict there is, or the next. Default: now.",
            show_default=False,
        ),
    ] = "now",
    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="End after so many verdicts. Default: never."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each verdict as it is on the topic, one a line.")
    ] = False,
) -> None:
    """Show verdicts as they come, until interrupted.

    On a terminal the evidence is underlined. What is no verdict gets a warning on standard error.
    Nothing is committed, and no group of workers is touched. Exit code 0, also when interrupted;
    130 if that was before --limit was reached.
    """
    from workers import journal  # noqa: PLC0415
    from workers.cli.logs import open_log  # noqa: PLC0415
    from workers.cli.watching import Watcher  # noqa: PLC0415

    settings = load(given, detector="url", role="watch").settings
    journal.configure(settings.journal, report_period_ms=settings.retry.report_period_ms)
    connection = replace(
        settings.connection,
        # Beginning as the workers' group does, where access is granted by such a prefix.
        group_id=f"{settings.connection.group_id}-watch-{secrets.token_hex(4)}",
        group_instance_id=None,
        auto_offset_reset="earliest" if start == "beginning" else "latest",
    )
    topic = settings.topics.verdict_topic
    left = limit
    watcher = Watcher(open_log(connection), topic, retry=settings.retry)
    try:
        with stopping_on_signals(watcher.stopping.set), _ended_by_broken_pipe():
            wanted = frozenset(labels) if labels else None
            show = _show_bytes if as_json else _shower()
            left = _show_turns(watcher, wanted, limit, show, topic)
    finally:
        watcher.close()
    if watcher.stopping.is_set() and sys.stderr.isatty():
        typer.echo(err=True)  # after the terminal's ^C
    if left and watcher.stopping.is_set():
        raise typer.Exit(_INTERRUPTED)


def _show_turns(
    watcher: Watcher, wanted: frozenset[str] | None, limit: int | None, show: Show, topic: str
) -> int | None:
    """Show what comes until stopped or at the limit; return how much of that is left."""
    left = limit
    announced = not sys.stderr.isatty()
    for seen in watcher.turns():
        if not announced and watcher.ready:
            announced = True
            typer.echo(f"Watching {topic}. Ctrl-C ends.", err=True)
        shown = _show(seen, wanted, left, show)
        if left is not None:
            left -= shown
        if left == 0 or _readers_gone():
            break
    return left


def _show(seen: Iterable[Seen], wanted: frozenset[str] | None, most: int | None, show: Show) -> int:
    """Show the verdicts of one turn, all at once but for warnings between; return how many."""
    from schemas.text import visible  # noqa: PLC0415

    shown = 0
    waiting: list[tuple[bytes, Verdict]] = []
    for one in seen:
        if one.verdict is None:
            show(waiting)
            waiting = []
            typer.echo(f"Warning: {visible(one.problem)}", err=True)
        elif wanted is None or one.verdict["label"] in wanted:
            waiting.append((one.value, one.verdict))
            shown += 1
            if shown == most:
                break
    show(waiting)
    return shown


def _show_bytes(verdicts: list[tuple[bytes, Verdict]]) -> None:
    if verdicts:
        # In JSON a line break can only be white space between two tokens.
        lines = (value.replace(b"\n", b" ").replace(b"\r", b" ") for value, _ in verdicts)
        typer.echo(b"\n".join(lines))


def _shower() -> Show:
    from workers.cli.terminal import printer  # noqa: PLC0415
    from workers.cli.verdict_line import verdict_line  # noqa: PLC0415

    console = printer()

    def show(verdicts: list[tuple[bytes, Verdict]]) -> None:
        lines = [verdict_line(verdict) for _, verdict in verdicts]
        if console.is_terminal:
            for line in lines:
                console.print(line)
        elif lines:
            typer.echo("\n".join(line.plain for line in lines))

    return show


def _readers_gone() -> bool:
    """Whether standard output is a pipe that nobody reads any more, before anything is written.

    Else ``weir watch | head -1`` would wait for a second verdict before it noticed.
    """
    try:
        descriptor = sys.stdout.fileno()
    except OSError:
        return False  # not a file of the system
    poll = select.poll()
    poll.register(descriptor, 0)  # errors are told whatever is asked for
    return any(event & select.POLLERR for _, event in poll.poll(0))


@contextmanager
def _ended_by_broken_pipe() -> Iterator[None]:
    """Whoever read us has seen enough: no mistake of anybody's."""
    try:
        yield
    except BrokenPipeError:
        # Whatever is still buffered goes nowhere, without a complaint from the interpreter.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(short_help="Show verdicts as they come.")(watch)
