"""`weir dead list`: dead letters by cause and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workers.cli.dead_topic import (
    INTERRUPTED,
    SETTINGS,
    AsJson,
    Causes,
    Detector,
    known_causes,
    open_topic,
    place_text,
    value_text,
)
from workers.cli.moments import milliseconds, shown
from workers.cli.options import takes_settings
from workers.settings.resolve import Given
from workers.signals import stopping_on_signals

if TYPE_CHECKING:
    from workers.cli.dead_topic import DeadTopic
    from workers.dead_letters import Wanted
    from workers.dead_summary import Group, Line, Summary, Times

# Characters of a value that are shown.
_EXCERPT = 60


@takes_settings(*SETTINGS)
def list_letters(
    given: Given,
    detector: Detector,
    *,
    letters: Annotated[
        int,
        typer.Option(
            min=0,
            max=100_000,
            metavar="N",
            help="Show the newest N letters too, one a line. Default: 0.",
            show_default=False,
        ),
    ] = 0,
    causes: Causes = None,
    stage: Annotated[
        Literal["decode", "score", "publish"] | None,
        typer.Option(
            metavar="decode|score|publish",
            help="Letters of this stage only. Default: all stages.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help="Letters from this time on: RFC 3339, or how long ago, e.g. 2h. Default: all.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="TIME",
            help="Letters up to this time. Default: all.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Count dead letters by cause and stage, with the times of letters and of their events.

    The newest letter of each is named as weir dead show takes it. Nothing is committed.
    """
    from workers.dead_letters import Wanted  # noqa: PLC0415

    wanted = Wanted(
        causes=known_causes(causes),
        stage=stage,
        since=None if since is None else milliseconds(since, "--from"),
        until=None if until is None else milliseconds(until, "--to"),
    )
    topic = open_topic(given, detector)
    with stopping_on_signals(topic.stopping.set):
        summary, not_ours = _read(topic, wanted, letters)
    if topic.stopping.is_set():
        typer.echo("Interrupted before all letters were read; nothing is shown.", err=True)
        raise typer.Exit(INTERRUPTED)
    if as_json:
        _print_json(topic.name, summary, not_ours)
    else:
        _print(topic.name, summary, not_ours)


def _read(topic: DeadTopic, wanted: Wanted, most_lines: int) -> tuple[Summary, int]:
    from workers.dead_letters import letters_of  # noqa: PLC0415
    from workers.dead_summary import Summary  # noqa: PLC0415
    from workers.range_reader import Span  # noqa: PLC0415

    bounds = topic.bounds()
    begins = {place: bound.begin for place, bound in bounds.items()}
    if wanted.since is not None:
        found = topic.lookup.first_since(topic.name, wanted.since)
        begins = {place: found.get(place, bounds[place].end) for place in begins}
    spans = {place: Span(begins[place], bound.end) for place, bound in bounds.items()}
    summary, not_ours = Summary(most_lines), 0
    if not any(span.size for span in spans.values()):
        return summary, not_ours
    with topic.reading(spans, bounds) as reader:
        for records in reader.turns():
            letters = letters_of(records)
            not_ours += len(records) - len(letters)
            summary.add(letters.take(wanted.rows(letters)))
    return summary, not_ours


def _print(topic: str, summary: Summary, not_ours: int) -> None:
    from workers.cli.terminal import print_table  # noqa: PLC0415

    groups = summary.groups
    title = f"{topic}: {_counted(sum(group.count for group in groups), 'dead letter')}"
    if not_ours:
        title += f"; not ours: {_counted(not_ours, 'record')}"
    if not groups:
        typer.echo(title)
        return
    heads = ("cause", "stage", "letters", "first", "last", "first event", "last event", "newest")
    rows = [
        (
            group.cause,
            group.stage,
            f"{group.count:,}",
            *map(shown, group.times),
            *map(shown, group.origin_times or (None, None)),
            "{1}:{2}".format(*group.newest),
        )
        for group in groups
    ]
    print_table(heads, rows, title=title)
    if summary.newest:
        typer.echo()
    for line in summary.newest:
        typer.echo(_line(line))


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _line(line: Line) -> str:
    from schemas.text import visible  # noqa: PLC0415

    origin = "no origin"
    if line.origin is not None:
        origin = (
            f"from {place_text(line.origin.topic, line.origin.partition, line.origin.offset)} "
            f"of {shown(line.origin.timestamp)}"
        )
    return "  ".join(
        (
            f"{line.partition}:{line.offset}",
            shown(line.timestamp),
            visible(origin),
            line.cause,
            visible(line.detail),
            value_text(line.value, _EXCERPT),
        )
    )


def _print_json(topic: str, summary: Summary, not_ours: int) -> None:
    import orjson  # noqa: PLC0415

    document = {
        "topic": topic,
        "letters": sum(group.count for group in summary.groups),
        "not_ours": not_ours,
        "causes": [_group_document(group) for group in summary.groups],
        "newest": [_line_document(line) for line in summary.newest],
    }
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def _group_document(group: Group) -> dict[str, Any]:
    def times(span: Times | None) -> dict[str, str] | None:
        return None if span is None else {"first": shown(span.first), "last": shown(span.last)}

    return {
        "cause": group.cause,
        "stage": group.stage,
        "letters": group.count,
        "times": times(group.times),
        "event_times": times(group.origin_times),
        "newest": {"partition": group.newest[1], "offset": group.newest[2]},
    }


def _line_document(line: Line) -> dict[str, Any]:
    return {
        "partition": line.partition,
        "offset": line.offset,
        "time": shown(line.timestamp),
        "origin": None if line.origin is None else line.origin._asdict(),
        "cause": line.cause,
        "detail": line.detail,
        "value": value_text(line.value, _EXCERPT),
    }
