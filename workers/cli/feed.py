"""`weir feed`: put JSON Lines or plain lines on a topic."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from workers.cli.lines import Format, opened
from workers.cli.options import CLIENT, takes_settings
from workers.settings.resolve import Given, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workers.cli.feeding import Tally
    from workers.cli.lines import Lines

# Longest that letting go of the connections may take once every line is settled.
_CLOSE_S = 10.0
_INTERRUPTED = 130
# Reasons of failure that are told, the most frequent first; some name the record's size.
_REASONS = 5


@takes_settings(*CLIENT, "log_level", "log_format")
def feed(
    given: Given,
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="Topic to put the lines on.")],
    *,
    source: Annotated[
        str,
        typer.Option(
            "--input",
            metavar="FILE|-",
            help="File of lines, gzip if it ends in .gz, or - for standard input.",
        ),
    ],
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            metavar="N",
            help="Most lines a second. Default: as fast as the cluster takes them.",
        ),
    ] = None,
    key_field: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="Field of each event whose value is the record's key. Default: no key.",
        ),
    ] = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            metavar="auto|jsonl|text",
            help=(
                "jsonl sends lines byte for byte, text wraps each in a JSON object; "
                "auto decides once, by the file's suffix or the first line. Default: auto."
            ),
            show_default=False,
        ),
    ] = "auto",
    field: Annotated[
        str,
        typer.Option(
            metavar="FIELD",
            help="Field that a plain line is wrapped in. Default: url.",
            show_default=False,
        ),
    ] = "url",
) -> None:
    """Put the lines of a file or pipe on a topic.

    Lines of JSON are sent as they are, broken ones too; blank lines are left out. Exit code 1 if
    any line was not acknowledged.
    """
    from workers import journal  # noqa: PLC0415
    from workers.cli.feeding import Feeder, Shape  # noqa: PLC0415
    from workers.cli.logs import open_log  # noqa: PLC0415

    settings = load(given, detector="url", role="feed").settings
    journal.configure(settings.journal, client=False)
    started = time.monotonic()
    interrupted = False
    with opened(source) as lines:
        wrap_in = None if lines.are_json(form) else field
        sink = open_log(settings.connection).sink()
        try:
            # Asked first: a topic or cluster that is not there is one mistake, not one a line.
            sink.max_record_bytes(topic)
            feeder = Feeder(
                sink, topic, shape=Shape(wrap_in=wrap_in, key_field=key_field), rate=rate
            )
            with _progress(lines) as report:
                try:
                    for tally in feeder.feed(lines):
                        report(tally)
                except KeyboardInterrupt:
                    interrupted = True
                feeder.finish()
        finally:
            sink.close(_CLOSE_S)
    _summarise(feeder.tally, topic, time.monotonic() - started)
    if interrupted:
        raise typer.Exit(_INTERRUPTED)
    if not feeder.tally.complete:
        raise typer.Exit(1)


@contextmanager
def _progress(lines: Lines) -> Iterator[Callable[[Tally], None]]:
    from workers.cli.terminal import printer  # noqa: PLC0415

    console = printer(err=True)
    if not console.is_terminal:
        yield lambda _tally: None
        return
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        ProgressColumn,
        TimeRemainingColumn,
    )

    columns: list[str | ProgressColumn] = [
        "Feeding",
        BarColumn(),
        "{task.fields[sent]:,} lines",
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=lines.size, sent=0)
        yield lambda tally: bar.update(task, completed=lines.position(), sent=tally.sent)


def _summarise(tally: Tally, topic: str, seconds: float) -> None:
    from schemas.text import visible  # noqa: PLC0415

    for reason, rows in tally.failures.most_common(_REASONS):
        typer.echo(f"Error: {_lines(rows)} failed: {visible(reason)}", err=True)
    if (reasons := len(tally.failures)) > _REASONS:
        typer.echo(f"Error: and {reasons - _REASONS:,} other reasons", err=True)
    if tally.refused:
        typer.echo(f"Error: not sent, since not UTF-8: {_lines(tally.refused)}", err=True)
    typer.echo(
        f"{tally.acknowledged:,} of {tally.sent + tally.refused:,} lines on {topic} in "
        f"{seconds:.1f} s, {tally.acknowledged / max(seconds, 1e-3):,.0f} a second"
        + (f"; left out as blank: {_lines(tally.blank)}" if tally.blank else "")
    )


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(short_help="Put JSON Lines or plain lines on a topic.")(feed)
