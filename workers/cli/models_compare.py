"""`weir models compare`: two sets of verdicts, and what changed from one to the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workers.cli.comparison import TOP, OneSide, compared, show
from workers.cli.moments import milliseconds
from workers.cli.options import CLIENT, takes_settings
from workers.cli.places import offsets_by_partition
from workers.comparing.wanted import ModelWanted, Wanted, Within
from workers.errors import ConfigurationError
from workers.settings.resolve import Given, load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.range_reader import Span

_LAST_OFFSET = 2**63 - 1


@takes_settings(*CLIENT, "isolation_level", "log_level", "log_format")
def compare(
    given: Given,
    *,
    old: Annotated[
        str,
        typer.Option(
            "--old",
            metavar="TOPIC|FILE",
            help="The earlier verdicts: a topic, or what weir score has written.",
            show_default=False,
        ),
    ],
    new: Annotated[
        str,
        typer.Option(
            "--new",
            metavar="TOPIC|FILE",
            help="The later verdicts, e.g. alerts.shadow or alerts.replay.",
            show_default=False,
        ),
    ],
    detector: Annotated[
        Literal["url", "html", "path"] | None,
        typer.Option(
            metavar="url|html|path",
            help="Of this detector only. Default: all that both sides have verdicts of.",
            show_default=False,
        ),
    ] = None,
    old_model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME@VERSION|DIGEST",
            help="Of the old verdicts only those of this model. Default: of all.",
            show_default=False,
        ),
    ] = None,
    new_model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME@VERSION|DIGEST",
            help="Of the new verdicts only those of this model. Default: of all.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of the new verdicts only those of this replay. Default: of all.",
            show_default=False,
        ),
    ] = None,
    from_time: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="Events of this time (RFC 3339) or later."),
    ] = None,
    to_time: Annotated[
        str | None,
        typer.Option("--to-time", "--to", metavar="TIME", help="Events of before this time."),
    ] = None,
    from_offsets: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PARTITION:OFFSET,...",
            help="Events from these offsets of their own topic on, e.g. 0:1200,1:980; repeatable.",
        ),
    ] = None,
    to_offsets: Annotated[
        list[str] | None,
        typer.Option(metavar="PARTITION:OFFSET,...", help="Events before these; repeatable."),
    ] = None,
    top: Annotated[
        int,
        typer.Option(
            min=0,
            max=100_000,
            metavar="N",
            help=f"How many events are listed. Default: {TOP}.",
            show_default=False,
        ),
    ] = TOP,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Write Markdown, pictures and JSON there.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare two sets of verdicts on the same events: what is judged otherwise now?

    Verdicts are joined by record_id, each event counting once. Times and offsets are the events'
    own, not the verdicts'. Exit code 1 if no event is on both sides.
    """
    if report is not None:
        from workers.comparing.pictures import refuse_without_pictures  # noqa: PLC0415

        refuse_without_pictures()
    from workers import journal  # noqa: PLC0415

    settings = load(given, detector=detector or "url", role="compare").settings
    journal.configure(settings.journal, client=False)
    begin = None if from_time is None else milliseconds(from_time, "--from")
    end = None if to_time is None else milliseconds(to_time, "--to-time")
    within = Within(
        spans=_spans(
            offsets_by_partition("--from-offsets", from_offsets or ()),
            offsets_by_partition("--to-offsets", to_offsets or ()),
        ),
        from_time=begin,
        to_time=end,
    )
    asked = Wanted(detector=detector, within=None if within == Within() else within)
    comparison = compared(
        settings.connection,
        _side(old, "--old", asked, old_model, None, begin),
        _side(new, "--new", asked, new_model, run, begin),
        top=top,
    )
    show(comparison, silent=as_json, report=report)
    if as_json:
        import orjson  # noqa: PLC0415

        typer.echo(orjson.dumps(comparison.as_json(), option=orjson.OPT_INDENT_2))
    if not comparison.both:
        raise typer.Exit(1)


def _side(
    name: str, option: str, asked: Wanted, model: str | None, run: str | None, since: int | None
) -> OneSide:
    chosen = None if model is None else ModelWanted.parse(model, f"{option}-model")
    wanted = Wanted(detector=asked.detector, model=chosen, run=run, within=asked.within)
    return OneSide(name=name, option=option, wanted=wanted, since=since)


def _spans(begins: Mapping[int, int], ends: Mapping[int, int]) -> Mapping[int, Span] | None:
    from workers.range_reader import Span  # noqa: PLC0415

    if not begins and not ends:
        return None
    for number in begins.keys() & ends.keys():
        if ends[number] < begins[number]:
            raise ConfigurationError(
                f"the range of partition {number} ends at {ends[number]}, before it begins at "
                f"{begins[number]}; give --to-offsets that are no less than --from-offsets"
            )
    return {
        number: Span(begins.get(number, 0), ends.get(number, _LAST_OFFSET))
        for number in begins.keys() | ends.keys()
    }
