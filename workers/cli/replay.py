"""`weir replay`: score a range of history again, beside the live workers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from workers.cli.app import new_app
from workers.cli.one_thread import numpy_in_one_thread
from workers.cli.options import takes_settings
from workers.cli.replay_compare import CompareOption, ReportOption, comparing
from workers.cli.replay_range import wanted_range
from workers.cli.replay_settings import VERDICTS, replay_settings
from workers.cli.work import DETECTORS
from workers.settings.resolve import Given
from workers.settings.table import SETTINGS
from workers.signals import stopping_on_signals

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.cli.replay_compare import Comparing
    from workers.cli.replay_report import Report
    from workers.judge import Judge
    from workers.replay.range import Wanted
    from workers.replay.run import Ends, Replay
    from workers.settings.policies import Settings

_INTERRUPTED: Final = 130
# A run has topics and a group of its own, knows no other place to start than its range, and is by
# one model from its beginning to its end.
_OF_WORKERS_ALONE: Final = frozenset(
    {
        *("verdict_topic", "dead_letter_topic", "group_id", "auto_offset_reset"),
        *("model_poll_ms", "shadow", "shadow_topic", "canary", "canary_share"),
        *("drift", "drift_events", "drift_warn", "drift_report_ms"),
    }
)

_Run = Annotated[
    str,
    typer.Option(
        "--run",
        metavar="NAME",
        help=(
            "Name of the run: its positions are kept under it, and its verdicts carry it. The "
            "same command again goes on where the run is."
        ),
        show_default=False,
    ),
]
_From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="TIME",
        help=(
            "Begin, in each partition, with the first record of this time or later: RFC 3339, or "
            "how long ago, e.g. 7d. Default: the first there is."
        ),
        show_default=False,
    ),
]
_To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="TIME",
        help="Stop before the first record of this time or later. Default: what there is now.",
        show_default=False,
    ),
]
_FromOffsets = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PARTITION:OFFSET,...",
        help="Where to begin, e.g. 0:1200,1:980, in place of --from; repeatable.",
        show_default=False,
    ),
]
_ToOffsets = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PARTITION:OFFSET,...",
        help="Offsets to stop before, in place of --to; repeatable.",
        show_default=False,
    ),
]
_Partitions = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PARTITION,...", help="Which partitions. Default: all.", show_default=False
    ),
]
_Rate = Annotated[
    float | None,
    typer.Option(
        min=1,
        metavar="N",
        help=(
            "Most events a second of this replica, to leave room for live traffic. "
            "Default: as fast as it goes."
        ),
        show_default=False,
    ),
]
_Verdicts = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help=f"Topic that verdicts go to; not a live one. Default: {VERDICTS}.",
        show_default=False,
    ),
]
_DeadLetters = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=(
            "Topic for records that cannot be judged; not a live one. "
            "Default: <verdict topic>.dead."
        ),
        show_default=False,
    ),
]
_DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Say how many events, and how long it would take; write none."),
]
_AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")]


def _verb(detector: str, subject: str) -> Callable[..., None]:
    @takes_settings(*(s.key for s in SETTINGS if s.key not in _OF_WORKERS_ALONE), detector=detector)
    def replay(
        given: Given,
        *,
        run: _Run,
        from_time: _From = None,
        to_time: _To = None,
        from_offsets: _FromOffsets = None,
        to_offsets: _ToOffsets = None,
        partitions: _Partitions = None,
        verdict_topic: _Verdicts = VERDICTS,
        dead_letter_topic: _DeadLetters = None,
        rate: _Rate = None,
        compare: CompareOption = None,
        report: ReportOption = None,
        dry_run: _DryRun = False,
        as_json: _AsJson = False,
    ) -> None:
        numpy_in_one_thread()
        wanted = wanted_range(from_time, to_time, from_offsets, to_offsets, partitions)
        dead_letter_topic = dead_letter_topic or f"{verdict_topic}.dead"
        settings = replay_settings(given, detector, run, verdict_topic, dead_letter_topic)
        earlier = comparing(compare, report, wanted.asked.from_time, settings)
        _replay(run, settings, wanted, earlier, rate=rate, dry_run=dry_run, as_json=as_json)

    replay.__doc__ = f"""Score {subject} of a range of history again, to a topic of its own.

    The range is fixed when the run is first started; replicas are this command started again. The
    live workers' group is not touched, and their topics are refused: where verdicts and dead
    letters go is said by the options alone, while the environment and the file of --config name
    the live topics. SIGUSR1 pauses, SIGUSR2 goes on; SIGINT and SIGTERM stop, and the same command
    goes on from there. Breakers are off unless --breaker on is given here. Exit code 0 once the run
    is at its end, 130 if it was stopped before.
    """
    return replay


def _replay(
    run: str,
    settings: Settings,
    wanted: Wanted,
    earlier: Comparing | None,
    *,
    rate: float | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    from schemas.verdict import Replay as VerdictReplay  # noqa: PLC0415
    from workers import journal  # noqa: PLC0415
    from workers.cli.comparison import show  # noqa: PLC0415
    from workers.cli.replay_report import Report  # noqa: PLC0415
    from workers.health import Health  # noqa: PLC0415
    from workers.metrics.meters import Meters  # noqa: PLC0415
    from workers.replay.pace import Pace  # noqa: PLC0415
    from workers.replay.pausing import pausing_on_signals  # noqa: PLC0415
    from workers.replay.run import Replay  # noqa: PLC0415
    from workers.worker import served, warmed  # noqa: PLC0415

    journal.configure(
        settings.journal,
        report_period_ms=settings.retry.report_period_ms,
        client=not dry_run and not sys.stderr.isatty(),
    )
    replay = Replay(run, settings, wanted, _ends(settings))
    pace, meters, health = Pace(rate), Meters(settings.detector), Health.of(settings)
    report = Report(settings, pace, rate, dry_run=dry_run)
    # From the first moment: SIGUSR1 would otherwise end us while we load.
    with stopping_on_signals(replay.stop), pausing_on_signals(pace):
        if dry_run:
            judge = warmed(settings, meters, health, VerdictReplay(run=run))
            _dry_run(replay, settings, report, rate, judge)
            return
        with served(settings, meters, health), report:
            judge = warmed(settings, meters, health, VerdictReplay(run=run))
            outcome = replay.work(judge, pace, report, meters=meters, health=health)
    if not as_json:
        report.print_summary(outcome)
    told = {}
    if earlier is not None and outcome.complete:
        comparison = earlier.compared(outcome.plan, settings)
        show(comparison, silent=as_json, report=earlier.report)
        told["comparison"] = comparison.as_json()
    if as_json:
        report.print_json(outcome, **told)
    if not outcome.complete:
        raise typer.Exit(_INTERRUPTED)


def _ends(settings: Settings) -> Ends:
    from workers.cli import logs  # noqa: PLC0415
    from workers.replay.run import Ends  # noqa: PLC0415

    connection = settings.connection
    return Ends(
        log=lambda notes: logs.open_log(connection, notes),
        lookup=logs.open_lookup(connection),
        bookmarks=logs.open_bookmarks(connection),
    )


def _dry_run(
    replay: Replay, settings: Settings, report: Report, rate: float | None, judge: Judge
) -> None:
    from workers.cli import logs  # noqa: PLC0415
    from workers.replay.measuring import measured_rate  # noqa: PLC0415

    plan = replay.draft(judge.artefact)
    report.planned(plan, replay.notes)
    if not plan.finished and rate is None:
        with logs.open_spans(settings.connection) as reader:
            report.measured(plan, measured_rate(reader, judge, plan, settings.batch.max_batch))


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = new_app(help="Score a range of history again, to a topic of its own.")

    @group.callback()
    def _group() -> None:
        """Keep the detector's name a word of its own."""

    for detector, subject in DETECTORS.items():
        group.command(detector)(_verb(detector, subject))
    app.add_typer(group, name="replay")
