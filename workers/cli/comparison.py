"""Makes a comparison and shows it: what `weir models compare` and `weir replay` share."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import typer

from workers.comparing.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workers.comparing.comparison import Comparison, Moved
    from workers.comparing.sources import FileVerdicts, Report, TopicVerdicts
    from workers.log.connection import Connection

TOP: Final = 20
"""Events that are listed of the newly malicious, and of those no longer so."""

_BAR: Final = 40
# Of a subject on a terminal.
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OneSide:
    """One set of verdicts.

    Attributes:
        name: A topic, or a file of verdicts.
        option: That said so.
        wanted: Which of them.
        since: Milliseconds since the epoch: no earlier verdict can be among them.
    """

    name: str
    option: str
    wanted: Wanted = field(default_factory=Wanted)
    since: int | None = None


def compared(connection: Connection, old: OneSide, new: OneSide, *, top: int = TOP) -> Comparison:
    """Read both sides and compare them; no group is touched.

    Raises:
        ConfigurationError: a file is not there.
        WorkerError: a topic or a file cannot be read.
    """
    from workers.cli import logs  # noqa: PLC0415
    from workers.comparing.comparing import compare  # noqa: PLC0415
    from workers.comparing.sources import FileVerdicts, TopicVerdicts, is_file  # noqa: PLC0415

    are_files = [is_file(side.name, side.option) for side in (old, new)]
    with ExitStack() as stack:
        sources: list[FileVerdicts | TopicVerdicts] = []
        if not all(are_files):
            lookup = logs.open_lookup(connection)
            reader = stack.enter_context(logs.open_spans(connection))
        for side, of_file in zip((old, new), are_files, strict=True):
            sources.append(
                FileVerdicts(side.name)
                if of_file
                else TopicVerdicts(reader, lookup, side.name, since=side.since)
            )
        reports = [
            stack.enter_context(_progress(side.name, source.size))
            for side, source in zip((old, new), sources, strict=True)
        ]
        before, after = (
            source.values(report) for source, report in zip(sources, reports, strict=True)
        )
        return compare(
            before,
            after,
            names=(old.name, new.name),
            old_wanted=old.wanted,
            new_wanted=new.wanted,
            top=top,
        )


def show(comparison: Comparison, *, silent: bool = False, report: Path | None = None) -> None:
    """Print it, if not ``silent``, and write the report if one is asked for."""
    if not silent:
        _print(comparison)
    if report is not None:
        from workers.comparing.report import MARKDOWN, write  # noqa: PLC0415

        write(report, comparison)
        typer.echo(f"report: {report / MARKDOWN}", err=True)


def _print(comparison: Comparison) -> None:
    from schemas.text import visible  # noqa: PLC0415
    from workers.cli.terminal import print_table  # noqa: PLC0415
    from workers.comparing import tables  # noqa: PLC0415

    print_table(tables.MODEL_HEADS, list(tables.models(comparison)))
    typer.echo()
    print_table(tables.SIDE_HEADS, tables.sides(comparison))
    typer.echo()
    for line in tables.summary(comparison):
        typer.echo(line)
    if comparison.both:
        typer.echo()
        print_table(
            tables.LABEL_HEADS, tables.labels(comparison), title="labels, old down and new across"
        )
        _print_moved("newly malicious", comparison.newly, comparison.newly_malicious)
        _print_moved("no longer malicious", comparison.no_longer, comparison.no_longer_malicious)
        typer.echo()
        _print_changes(comparison)
    for note in comparison.notes:
        typer.echo(visible(f"note: {note}"))


def _print_moved(title: str, ones: tuple[Moved, ...], count: int) -> None:
    from schemas.text import shortened  # noqa: PLC0415
    from workers.cli.terminal import print_table  # noqa: PLC0415
    from workers.comparing import tables  # noqa: PLC0415

    if not ones:
        return
    typer.echo()
    first = f", the first {len(ones):,} of {count:,}" if len(ones) < count else ""
    rows = [
        (*numbers, shortened(subject, _LONGEST), event)
        for *numbers, subject, event in tables.moved(ones)
    ]
    print_table(tables.MOVED_HEADS, rows, title=f"{title}{first}, by change of logit")


def _print_changes(comparison: Comparison) -> None:
    """The histogram as bars, on a logarithmic scale."""
    from math import log1p  # noqa: PLC0415

    from workers.cli.terminal import print_table  # noqa: PLC0415
    from workers.comparing import tables  # noqa: PLC0415

    bars = tables.bars(comparison)
    most = log1p(max(count for _, count in bars))
    rows = [(told, f"{count:,}", "#" * round(_BAR * log1p(count) / most)) for told, count in bars]
    changes = comparison.changes
    title = f"from {changes.least:+.4f} to {changes.most:+.4f}; bars are logarithmic"
    print_table(("change of logit", "events", ""), rows, title=title)


@contextmanager
def _progress(name: str, size: int) -> Iterator[Report]:
    """A bar on standard error while a side is read, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _more: None
        return
    from rich.progress import Progress  # noqa: PLC0415

    from schemas.text import visible  # noqa: PLC0415
    from workers.cli.terminal import printer  # noqa: PLC0415

    progress = Progress(console=printer(err=True), transient=True)
    task = progress.add_task(visible(name), total=size or 1)

    def report(more: int) -> None:
        # Two bars cannot be alive at once, and the sides are read one after the other.
        progress.start()
        progress.advance(task, more)
        if progress.finished:
            progress.stop()

    try:
        yield report
    finally:
        progress.stop()
