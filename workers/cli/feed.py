"""`weir feed`: put JSON Lines, plain lines or files of pages on a topic."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from workers.cli.lines import Format, opened
from workers.cli.options import CLIENT, takes_settings
from workers.cli.work import DETECTORS
from workers.errors import ConfigurationError
from workers.settings.resolve import Given, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from workers.cli.feeding import Feeder, Item, Tally
    from workers.log.connection import Connection
    from workers.log.contract import Sink
    from workers.settings.policies import Settings

# Longest that letting go of the connections may take once every line is settled.
_CLOSE_S: Final = 10.0
_INTERRUPTED: Final = 130
# Reasons of failure that are told, the most frequent first; some name the record's size.
_REASONS: Final = 5


@takes_settings(*CLIENT, "log_level", "log_format")
def feed(
    given: Given,
    topic: Annotated[
        str,
        typer.Argument(
            metavar="url|html|path|TOPIC",
            help="Topic to feed; a detector stands for its input topic.",
        ),
    ],
    pages: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE|FOLDER]...",
            help=(
                "Files of HTML pages, each to become an event; folders to search for *.html, *.htm "
                "and *.xhtml; - for a page on standard input."
            ),
            show_default=False,
        ),
    ] = None,
    *,
    source: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="FILE|-",
            help="File of lines, unpacked if it is gzip or zstd, or - for standard input.",
            show_default=False,
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            metavar="N",
            help="Most lines or pages a second. Default: as fast as the cluster takes them.",
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
        str | None,
        typer.Option(
            metavar="FIELD",
            help=(
                "Field that a plain line is wrapped in. Default: path for the topic of paths, else "
                "url."
            ),
            show_default=False,
        ),
    ] = None,
) -> None:
    """Put the lines of a file or pipe on a topic, or HTML pages.

    Lines of JSON are sent as they are, broken ones too; blank lines are left out. Exit code 1 if
    any line or page was not acknowledged.
    """
    from workers import journal  # noqa: PLC0415
    from workers.cli.feeding import Feeder, PageShape, Shape  # noqa: PLC0415
    from workers.cli.pages import page_files  # noqa: PLC0415

    if bool(pages) == (source is not None):
        raise ConfigurationError(
            "Give either --input, for lines, or files and folders of pages"
            + (f", not both: --input {source!r} and {len(pages)} files" if pages else "")
        )
    settings = _settings_of(given, topic)
    name = settings.topics.input_topic if topic in DETECTORS else topic
    journal.configure(settings.journal, client=False)
    connection = settings.connection
    if source is None:
        files = list(page_files(pages or []))
        with _sink(connection) as sink:
            largest = sink.max_record_bytes(name)
            page_shape = PageShape(largest=largest, key_field=key_field)
            feeder = Feeder(sink, name, shape=page_shape, rate=rate)
            _run(feeder, ([file] for file in files), "pages", name, size=len(files))
        return
    with opened(source) as lines:
        wrap_in = None if lines.are_json(form) else field or _field(settings.detector)
        with _sink(connection) as sink:
            # Asked first: a topic or cluster that is not there is one mistake, not one a line.
            sink.max_record_bytes(name)
            shape = Shape(wrap_in=wrap_in, key_field=key_field)
            line_feeder = Feeder(sink, name, shape=shape, rate=rate)
            _run(line_feeder, lines, "lines", name, size=lines.size, position=lines.position)


def _settings_of(given: Given, topic: str) -> Settings:
    """Of the detector that was named, or whose input topic was; else of url."""
    of_all = {
        detector: load(given, detector=detector, role="feed").settings for detector in DETECTORS
    }
    named = (one for one in of_all.values() if topic in (one.detector, one.topics.input_topic))
    return next(named, of_all["url"])


def _field(detector: str) -> str:
    """The field that plain lines are wrapped in."""
    from schemas.telemetry import SUBJECTS  # noqa: PLC0415

    if detector not in SUBJECTS:
        raise ConfigurationError(
            "Lines of plain text are no HTML pages: give files of pages as arguments, or events "
            "with --format jsonl"
        )
    return SUBJECTS[detector].field


@contextmanager
def _sink(connection: Connection) -> Iterator[Sink]:
    from workers.cli.logs import open_log  # noqa: PLC0415

    sink = open_log(connection).sink()
    try:
        yield sink
    finally:
        sink.close(_CLOSE_S)


def _run(
    feeder: Feeder[Item],
    batches: Iterable[list[Item]],
    noun: str,
    topic: str,
    *,
    size: int | None,
    position: Callable[[], int] | None = None,
) -> None:
    """Feed all, tell what became of it, and end with the exit code that says so."""
    started = time.monotonic()
    interrupted = False
    with _progress(noun, size, position) as report:
        try:
            for tally in feeder.feed(batches):
                report(tally)
        except KeyboardInterrupt:
            interrupted = True
        feeder.finish()
    _summarise(feeder.tally, noun, topic, time.monotonic() - started)
    if interrupted:
        raise typer.Exit(_INTERRUPTED)
    if not feeder.tally.complete:
        raise typer.Exit(1)


@contextmanager
def _progress(
    noun: str, size: int | None, position: Callable[[], int] | None
) -> Iterator[Callable[[Tally], None]]:
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
        f"{{task.fields[sent]:,}} {noun}",
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=size, sent=0)
        yield lambda tally: bar.update(
            task, completed=position() if position else tally.given, sent=tally.sent
        )


def _summarise(tally: Tally, noun: str, topic: str, seconds: float) -> None:
    from schemas.text import visible  # noqa: PLC0415

    def counted(count: int) -> str:
        return f"1 {noun.removesuffix('s')}" if count == 1 else f"{count:,} {noun}"

    for outcome, reasons in (("failed", tally.failures), ("not sent", tally.refused)):
        for reason, rows in reasons.most_common(_REASONS):
            typer.echo(f"Error: {counted(rows)} {outcome}: {visible(reason)}", err=True)
        if (more := len(reasons)) > _REASONS:
            typer.echo(f"Error: and {more - _REASONS:,} other reasons", err=True)
    typer.echo(
        f"{tally.acknowledged:,} of {tally.given:,} {noun} on {topic} in "
        f"{seconds:.1f} s, {tally.acknowledged / max(seconds, 1e-3):,.0f} a second"
        + (f"; left out as blank: {counted(tally.blank)}" if tally.blank else "")
    )


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(short_help="Put JSON Lines, plain lines or pages on a topic.")(feed)
