"""`weir replay --compare`: a run's verdicts against earlier ones on the same records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workers.cli.comparison import OneSide, compared
from workers.comparing.wanted import Wanted, Within
from workers.errors import ConfigurationError

if TYPE_CHECKING:
    from workers.comparing.comparison import Comparison
    from workers.replay.plan import Plan
    from workers.settings.policies import Settings

_OPTION = "--compare"

CompareOption = Annotated[
    str | None,
    typer.Option(
        _OPTION,
        metavar="TOPIC|FILE",
        help=(
            "At the run's end, say what it judged otherwise than the verdicts there, e.g. alerts; "
            "see weir models compare. Default: nothing is compared."
        ),
        show_default=False,
    ),
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FOLDER",
        help="Write the comparison there: Markdown, pictures and JSON.",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing:
    """What a run is to be compared with.

    Attributes:
        earlier: A topic, or a file of verdicts.
        report: Folder for the report; None for none.
        since: Milliseconds since the epoch: the events are of this time or later; None where that
            is not known.
    """

    earlier: str
    report: Path | None
    since: int | None

    def compared(self, plan: Plan, settings: Settings) -> Comparison:
        """The verdicts of a run that is at its end against those of before.

        Raises:
            WorkerError: either cannot be read.
        """
        within = Within(
            topic=plan.topic,
            spans={place.partition: span for place, span in plan.spans.items()},
        )
        old = OneSide(
            name=self.earlier,
            option=_OPTION,
            wanted=Wanted(detector=settings.detector, within=within),
            since=self.since,
        )
        new = OneSide(
            name=settings.topics.verdict_topic,
            option="--verdict-topic",
            wanted=Wanted(detector=settings.detector, run=plan.run, within=within),
            since=plan.fixed_at,
        )
        return compared(settings.connection, old, new)


def comparing(
    earlier: str | None, report: Path | None, since: int | None, settings: Settings
) -> Comparing | None:
    """What was asked for, found possible before hours are spent on the run.

    Raises:
        ConfigurationError: there is a report and nothing to compare with, or no such file, or
            pictures cannot be drawn.
        WorkerError: the topic is not there, or may not be read.
    """
    if earlier is None:
        if report is not None:
            raise ConfigurationError(
                f"Option --report has value '{report}' and nothing is compared; give --compare too"
            )
        return None
    from workers.cli import logs  # noqa: PLC0415
    from workers.comparing.sources import is_file  # noqa: PLC0415

    if report is not None:
        from workers.comparing.pictures import refuse_without_pictures  # noqa: PLC0415

        refuse_without_pictures()
    if not is_file(earlier, _OPTION):
        logs.open_lookup(settings.connection).bounds(earlier)
    return Comparing(earlier=earlier, report=report, since=since)
