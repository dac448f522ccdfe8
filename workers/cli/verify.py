"""`weir verify`: hold verdicts and dead letters against the events that they are of."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from workers.cli.moments import milliseconds
from workers.cli.options import CLIENT, MODEL, takes_settings
from workers.cli.places import offsets_by_partition
from workers.settings.resolve import Given, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.account import Account, Counts
    from workers.judge import Judge
    from workers.scope import Asked, Scope
    from workers.settings.policies import Settings
    from workers.verifying import Report

_SHOWN: Final = 20
_HEADS: Final = {
    "events": "events",
    "sent_back": "sent back",
    "verdicts": "verdicts",
    "dead_letters": "dead letters",
    "below_minimum": "below the minimum",
    "judged_again": "judged again",
    "missing": "missing",
    "repeated": "repeated",
    "unknown": "unknown",
}


@takes_settings(
    *CLIENT,
    *("input_topic", "verdict_topic", "dead_letter_topic"),
    *("delivery", "publish_from", *MODEL, "max_page_bytes"),
    *("group_id", "isolation_level", "log_level", "log_format"),
)
def verify(
    given: Given,
    detector: Annotated[
        Literal["url", "html", "path"],
        typer.Argument(metavar="url|html|path", help="Whose worker to hold to account."),
    ],
    *,
    to: Annotated[
        Literal["committed", "end"],
        typer.Option(
            metavar="committed|end",
            help="Up to what the group has committed, or to the log's end. Default: committed.",
            show_default=False,
        ),
    ] = "committed",
    from_offsets: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PARTITION:OFFSET,...",
            help="Where to begin, e.g. 0:1200,1:980; repeatable. Default: the first there is.",
        ),
    ] = None,
    to_offsets: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PARTITION:OFFSET,...",
            help="Offsets to stop before; repeatable. Default: as --to says.",
        ),
    ] = None,
    from_time: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="Begin with records of this time (RFC 3339)."),
    ] = None,
    to_time: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Stop before records of this time (RFC 3339)."),
    ] = None,
    by_partition: Annotated[
        bool, typer.Option("--by-partition", help="Show each partition.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Account for every event of a range: is its verdict or its dead letter there, and once?

    Events are what the input topic holds from its beginning to where the group has committed,
    which is what the workers claim to be done with. Each must have a verdict or a dead letter; with
    --publish-from, events without one are judged again, and those that are milder need none.
    Nothing is committed, and no group is touched. Exit code 0 when nothing is missing or unknown,
    nor, with --delivery exactly-once, anything repeated; else 1.
    """
    from workers import journal  # noqa: PLC0415
    from workers.cli import logs  # noqa: PLC0415
    from workers.scope import Asked, fix  # noqa: PLC0415
    from workers.verifying import verify as account_for  # noqa: PLC0415

    settings = load(given, detector=detector, role="verify").settings
    journal.configure(settings.journal, client=False)
    asked = Asked(
        to=to,
        from_offsets=offsets_by_partition("--from-offsets", from_offsets or ()),
        to_offsets=offsets_by_partition("--to-offsets", to_offsets or ()),
        from_time=None if from_time is None else milliseconds(from_time, "--from"),
        to_time=None if to_time is None else milliseconds(to_time, "--to-time"),
    )
    lookup = logs.open_lookup(settings.connection)
    scope = fix(lookup, settings.topics, asked, group=settings.connection.group_id)
    if not as_json:
        _print_scope(scope, asked, settings)
    with logs.open_spans(settings.connection) as reader, _progress(scope) as report:
        account = account_for(
            reader,
            lookup,
            scope,
            detector=detector,
            publish_from=settings.publish.publish_from,
            judge=lambda: _judge(settings),
            report=report,
        )
    holds = account.holds(exactly_once=settings.publish.delivery == "exactly-once")
    if as_json:
        _print_json(account, scope, settings, holds=holds)
    else:
        _print_account(account, by_partition=by_partition)
    if not holds:
        raise typer.Exit(1)


def _judge(settings: Settings) -> Judge:
    """What the worker judges with, but for the reasons, which nobody reads here."""
    from workers.worker import judge_of, load_engine  # noqa: PLC0415

    silent = replace(settings, evidence=replace(settings.evidence, evidence_from="never"))
    return judge_of(silent, *load_engine(settings))


@contextmanager
def _progress(scope: Scope) -> Iterator[Report]:
    """A bar on standard error while records are read, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _topic, _rows: None
        return
    from rich.progress import Progress, TaskID  # noqa: PLC0415

    from workers.cli.terminal import printer  # noqa: PLC0415

    totals = {scope.topics.input_topic: sum(span.size for span in scope.spans.values())}
    for name, bounds in scope.outcomes.items():
        totals[name] = sum(one.written - one.begin for one in bounds.values())
    with Progress(console=printer(err=True), transient=True) as progress:
        tasks: dict[str, TaskID] = {
            name: progress.add_task(name, total=total or 1) for name, total in totals.items()
        }
        yield lambda topic, rows: progress.advance(tasks[topic], rows)


def _print_scope(scope: Scope, asked: Asked, settings: Settings) -> None:
    from schemas.text import visible  # noqa: PLC0415

    claimed = f"what group {settings.connection.group_id} has committed"
    until = claimed if asked.to == "committed" else "the end"
    typer.echo(visible(f"{scope.topics.input_topic}, up to {until}"))
    if scope.spans:
        starts = ",".join(f"{number}:{span.begin}" for number, span in scope.spans.items())
        stops = ",".join(f"{number}:{span.end}" for number, span in scope.spans.items())
        typer.echo(f"the same again: --from-offsets {starts} --to-offsets {stops}")


def _print_account(account: Account, *, by_partition: bool) -> None:
    from schemas.text import visible  # noqa: PLC0415
    from workers.cli.terminal import print_table  # noqa: PLC0415

    total = account.counts
    if by_partition:
        rows = [
            (str(one.partition), str(one.span.begin), str(one.span.end), *_cells(one.counts))
            for one in account.partitions
        ]
        rows.append(("all", "", "", *_cells(total)))
        emphasis = [bool(c.missing or c.unknown) for c in (p.counts for p in account.partitions)]
        print_table(("partition", "from", "to", *_HEADS.values()), rows, emphasis=emphasis)
    else:
        print_table(
            ("", "records"),
            [(head, f"{getattr(total, name):,}") for name, head in _HEADS.items()],
            emphasis=[name in ("missing", "unknown") for name in _HEADS],
        )
    typer.echo(f"of others: {account.of_others:,}; unreadable: {account.unreadable:,}")
    for head, found in _listed(account, _SHOWN + 1).items():
        for line in found[:_SHOWN]:
            typer.echo(visible(f"{head}: {line}"))
        if len(found) > _SHOWN:
            typer.echo(f"{head}: these are the first {_SHOWN}")
    for note in account.notes:
        typer.echo(visible(f"note: {note}"))


def _listed(account: Account, most: int) -> dict[str, list[str]]:
    """The first of each kind that need to be looked at."""
    kinds = {
        "missing": account.missing(),
        "repeated": account.repeated(),
        "unknown": iter(account.unknown),
    }
    return {head: [str(one) for one in islice(found, most)] for head, found in kinds.items()}


def _cells(counts: Counts) -> Sequence[str]:
    return [f"{getattr(counts, name):,}" for name in _HEADS]


def _print_json(account: Account, scope: Scope, settings: Settings, *, holds: bool) -> None:
    import orjson  # noqa: PLC0415

    partitions: list[dict[str, Any]] = []
    for one in account.partitions:
        bounds = scope.bounds[one.partition]
        partitions.append(
            {
                "partition": one.partition,
                "from": one.span.begin,
                "to": one.span.end,
                "begin": bounds.begin,
                "end": bounds.written,
                "committed": scope.committed.get(one.partition),
            }
            | asdict(one.counts)
        )
    document = {
        "topic": account.topic,
        "detector": settings.detector,
        "group": settings.connection.group_id,
        "isolation_level": settings.connection.isolation_level,
        "publish_from": settings.publish.publish_from,
        "holds": holds,
        **asdict(account.counts),
        "of_others": account.of_others,
        "unreadable": account.unreadable,
        "partitions": partitions,
        "listed": _listed(account, _SHOWN),
        "notes": account.notes,
    }
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(short_help="Account for every event: missing, repeated, unknown.")(verify)
