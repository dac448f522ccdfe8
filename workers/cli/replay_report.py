"""What `weir replay` tells: the plan, how far the run is, and how it ended."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Self

import structlog
import typer

from schemas.text import visible
from workers.cli.durations import duration
from workers.cli.moments import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from workers.replay.pace import Pace
    from workers.replay.plan import Plan
    from workers.replay.progress import Progress
    from workers.replay.run import Outcome
    from workers.settings.policies import Settings

journal = structlog.get_logger(__name__)

# Time between two lines of progress where there is no terminal.
_REPORT_S: Final = 10.0


class Report:
    """`workers.replay.run.Telling` for people, and for logs; a context manager.

    On a terminal a bar, and the journal above it; elsewhere lines of the journal.

    Args:
        settings: The replay's.
        pace: Of this replica.
        rate: That it was given.
        dry_run: Whether the plan is all that there is to tell, to whoever asked.
    """

    def __init__(
        self, settings: Settings, pace: Pace, rate: float | None, *, dry_run: bool = False
    ) -> None:
        self._settings = settings
        self._pace = pace
        self._rate = rate
        self._in_journal = not (dry_run or sys.stderr.isatty())
        self._stack = ExitStack()
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._next_line = 0.0

    def __enter__(self) -> Self:
        if not self._in_journal:
            self._stack.enter_context(self._journal_aside())
            self._bar = self._stack.enter_context(_bar())
            self._configure_journal()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar = None
        self._stack.close()

    def planned(self, plan: Plan, notes: Sequence[str]) -> None:
        """See `workers.replay.run.Telling`."""
        told = notes or ([f"{plan.gone:,} of the range are gone: retention"] if plan.gone else [])
        if self._in_journal:
            journal.info(
                "replay planned",
                run=plan.run,
                offsets=plan.size,
                done=plan.done,
                partitions={place.partition: [*span] for place, span in plan.spans.items()},
                fixed_at=shown(plan.fixed_at),
                notes=list(told),
                **self._settings_told(plan),
            )
            return
        topics = self._settings.topics
        left = plan.size - plan.done
        where = f"{plan.topic} in {_partitions(len(plan.spans))}"
        lines = [
            f"run {plan.run}: {_counted(plan.size)} of {where}, as of {shown(plan.fixed_at)}",
            f"  scored by {plan.terms['the model']}",
            f"  to {topics.verdict_topic}; what cannot be judged, to {topics.dead_letter_topic}",
        ]
        if plan.done:
            lines.append(f"  goes on: {plan.done:,} are done, {left:,} are left")
        if self._rate is not None:
            lines.append(
                f"  at {self._rate:,.0f} a second, by one replica: {duration(left / self._rate)}"
            )
        lines += [f"  note: {note}" for note in told]
        for line in lines:
            typer.echo(visible(line), err=True)

    def measured(self, plan: Plan, rate: float | None) -> None:
        """So many events a second were scored here, for a try."""
        left = plan.size - plan.done
        if rate is None:
            typer.echo("  how long it takes cannot be said: the range begins with a gap", err=True)
            return
        typer.echo(
            f"  one replica here scores {rate:,.0f} a second: {duration(left / rate)}, and more "
            "where the log is slower",
            err=True,
        )

    def progressed(self, progress: Progress) -> None:
        """See `workers.replay.run.Telling`."""
        if self._bar is not None:
            self._show(self._bar, progress)
            return
        now = time.monotonic()
        if now < self._next_line and progress.left:
            return
        self._next_line = now + _REPORT_S
        seconds = progress.seconds_left
        journal.info(
            "replaying",
            done=progress.done,
            left=progress.left,
            per_second=None if progress.rate is None else round(progress.rate),
            seconds_left=None if seconds is None else round(seconds),
        )

    def print_summary(self, outcome: Outcome) -> None:
        """How it ended, on standard output."""
        plan = outcome.plan
        if plan.finished:
            typer.echo(
                f"run {plan.run} is at its end already: {_counted(plan.size)} of {plan.topic}, as "
                f"of {shown(plan.fixed_at)}. To replay them again give another --run"
                if plan.size
                else f"run {plan.run} is at its end: its range holds nothing"
            )
            return
        counts, seconds = outcome.counts, outcome.seconds
        if outcome.complete:
            typer.echo(f"run {plan.run} is at its end: {_counted(plan.size)} of {plan.topic}")
        else:
            typer.echo(f"run {plan.run} was stopped{_how_far(outcome)}")
        typer.echo(
            f"  by this replica: {_counted(counts.events, 'event')} in {seconds:.1f} s, "
            f"{counts.events / seconds:,.0f} a second"
        )
        typer.echo(f"  verdicts: {counts.verdicts:,}{_listed(counts.labels)}")
        if counts.unpublished:
            typer.echo(f"  milder than --publish-from, so not published: {counts.unpublished:,}")
        typer.echo(visible(f"  dead letters: {counts.dead:,}{_listed(counts.causes)}"))
        if outcome.repeated:
            typer.echo(f"  read and published again, under the same ids: {outcome.repeated:,}")
        if plan.done:
            typer.echo(
                "  what an earlier replica had in hand when it ended may be there twice, under "
                "the same ids"
            )
        if not outcome.clean:
            typer.echo("  not all that was read could be committed in time; it is read again")
        if outcome.complete:
            typer.echo(f"to account for every event: {self._verify(plan)}")
        else:
            typer.echo("The same command goes on from here.")

    def print_json(self, outcome: Outcome, **more: Any) -> None:
        """How it ended, as one JSON object on standard output, with ``more`` fields."""
        import orjson  # noqa: PLC0415

        plan, progress = outcome.plan, outcome.progress
        document: dict[str, Any] = {
            "run": plan.run,
            "complete": outcome.complete,
            "topic": plan.topic,
            "terms": dict(plan.terms),
            "fixed_at": shown(plan.fixed_at),
            "offsets": plan.size,
            "gone": plan.gone,
            "left": None if progress is None else progress.left,
            "done_before": plan.done,
            "replica": asdict(outcome.counts)
            | {"repeated": outcome.repeated, "seconds": round(outcome.seconds, 3)},
            "partitions": [
                {"partition": place.partition, "from": span.begin, "to": span.end}
                for place, span in plan.spans.items()
            ],
            **more,
        }
        typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))

    def _settings_told(self, plan: Plan) -> dict[str, Any]:
        topics, left = self._settings.topics, plan.size - plan.done
        return {
            "model": plan.terms["the model"],
            "input_topic": plan.topic,
            "verdict_topic": topics.verdict_topic,
            "dead_letter_topic": topics.dead_letter_topic,
            "rate": self._rate,
            "seconds_left": None if self._rate is None else round(left / self._rate),
        }

    def _verify(self, plan: Plan) -> str:
        """The command that holds the run to account."""
        topics, spans = self._settings.topics, sorted(plan.spans.items())
        starts = ",".join(f"{place.partition}:{span.begin}" for place, span in spans)
        stops = ",".join(f"{place.partition}:{span.end}" for place, span in spans)
        return visible(
            f"weir verify {self._settings.detector} --group-id {plan.group} --input-topic "
            f"{topics.input_topic} --verdict-topic {topics.verdict_topic} --dead-letter-topic "
            f"{topics.dead_letter_topic} --from-offsets {starts} --to-offsets {stops}"
        )

    def _show(self, bar: Bar, progress: Progress) -> None:
        word = "paused" if self._pace.paused else "replaying"
        rate = "" if progress.rate is None else f"{progress.rate:,.0f}/s"
        seconds = progress.seconds_left
        left = f"{duration(seconds)} left" if seconds else ""
        if self._task is None:
            self._task = bar.add_task(word, total=progress.size, rate=rate, left=left)
        bar.update(self._task, description=word, completed=progress.done, rate=rate, left=left)

    def _configure_journal(self) -> None:
        """Send the journal to where standard error goes just now."""
        from workers import journal as logs  # noqa: PLC0415

        logs.configure(
            self._settings.journal,
            report_period_ms=self._settings.retry.report_period_ms,
            client=False,
        )

    def _journal_aside(self) -> ExitStack:
        """Puts the journal back once the bar is gone."""
        stack = ExitStack()
        stack.callback(self._configure_journal)
        return stack


def _bar() -> Bar:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    from workers.cli.terminal import printer  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[left]}"),
    )
    return Progress(*columns, console=printer(err=True))


def _how_far(outcome: Outcome) -> str:
    progress = outcome.progress
    return "" if progress is None else f" at {progress.done:,} of {_counted(progress.size)}"


def _listed(counts: dict[str, int]) -> str:
    told = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return f" ({told})" if told else ""


def _counted(count: int, noun: str = "offset") -> str:
    return f"1 {noun}" if count == 1 else f"{count:,} {noun}s"


def _partitions(count: int) -> str:
    return "1 partition" if count == 1 else f"{count:,} partitions"
