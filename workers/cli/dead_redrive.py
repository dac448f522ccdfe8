"""`weir dead redrive`: send dead letters back to be judged again."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from schemas.text import visible
from workers.cli.dead_topic import (
    INTERRUPTED,
    SETTINGS,
    Causes,
    DeadTopic,
    Detector,
    known_causes,
    open_topic,
)
from workers.cli.durations import duration
from workers.cli.moments import milliseconds
from workers.cli.options import takes_settings
from workers.errors import LogUnavailableError
from workers.settings.resolve import Given
from workers.signals import stopping_on_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from workers.log.contract import TopicPartition
    from workers.log.lookup import Bounds
    from workers.redrive_fates import RedriveTally, Sorter, Target
    from workers.redrive_positions import RedrivePositions
    from workers.redriving import RedrivePolicy

_RATE: Final = 500.0
_BATCH: Final = 500
# Longest that letting go of the transactions may take.
_CLOSE_S: Final = 10.0
# Time between two lines of progress where there is no terminal.
_REPORT_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """What one redrive is about, fixed at its start.

    Attributes:
        causes: Codes.
        all_causes: Whether none was named.
        bounds: Of the dead-letter topic's partitions.
        ends: Where the redrive ends in each.
        target: Where letters go.
    """

    causes: Collection[str]
    all_causes: bool
    bounds: Mapping[TopicPartition, Bounds]
    ends: Mapping[TopicPartition, int]
    target: Target


@takes_settings(*SETTINGS)
def redrive(
    given: Given,
    detector: Detector,
    *,
    causes: Causes = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="TIME",
            help=(
                "End, in each partition, before the first letter later than this: RFC 3339, or how "
                "long ago, e.g. 2h. Default: all letters there are at the start."
            ),
            show_default=False,
        ),
    ] = None,
    rate: Annotated[
        float,
        typer.Option(
            min=0.01,
            metavar="N",
            help=f"Most letters a second. Default: {_RATE:g}.",
            show_default=False,
        ),
    ] = _RATE,
    batch: Annotated[
        int,
        typer.Option(
            min=1,
            max=100_000,
            metavar="N",
            help=(
                "Most letters in one transaction, and no more than a second's worth. "
                f"Default: {_BATCH}."
            ),
            show_default=False,
        ),
    ] = _BATCH,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask on a terminal before sending.")
    ] = False,
) -> None:
    """Send dead letters back to the topic and partition that they came from.

    What has been sent is remembered for each cause, in the consumer groups GROUP-redrive.CAUSE, so
    that the same command goes on where it ended, however it ended, and sends none twice. The
    cluster forgets them offsets.retention.minutes after the last redrive (Kafka's default: 7
    days). Letters that were truncated or have no usable origin are refused: they are named,
    passed over, and stay where they are. Exit code 1 if there were any, 130 if interrupted.
    """
    from workers.redriving import RedrivePolicy  # noqa: PLC0415

    policy = RedrivePolicy(rate=rate, batch=batch)
    chosen = known_causes(causes)
    last = None if until is None else milliseconds(until, "--to")
    topic = open_topic(given, detector)
    with stopping_on_signals(topic.stopping.set):
        what = _range(topic, chosen, last)
        planned = _plan(topic, what)
    if topic.stopping.is_set():
        typer.echo("Interrupted; nothing was sent.", err=True)
        raise typer.Exit(INTERRUPTED)
    _show_plan(topic, what, planned, policy)
    if dry_run or not sum(planned.fates.values()):
        raise typer.Exit(1 if planned.refused else 0)
    if planned.sent and not yes and sys.stdin.isatty():
        _ask(planned)
    started = time.monotonic()
    with stopping_on_signals(topic.stopping.set):
        try:
            tally = _run(topic, what, policy, planned)
        except LogUnavailableError as error:
            if not topic.stopping.is_set():
                raise
            typer.echo(
                f"Interrupted while the log could not be reached ({visible(str(error))}); the same "
                "command finds out what was sent, and goes on from there.",
                err=True,
            )
            raise typer.Exit(INTERRUPTED) from error
    _summarise(topic, what, tally, time.monotonic() - started)
    if topic.stopping.is_set():
        typer.echo("Interrupted; the same command goes on from here.", err=True)
        raise typer.Exit(INTERRUPTED)
    if tally.refused:
        raise typer.Exit(1)


def _range(topic: DeadTopic, chosen: frozenset[str], until: int | None) -> _Range:
    from schemas.causes import Cause  # noqa: PLC0415
    from workers.redrive_fates import Target  # noqa: PLC0415

    bounds = topic.bounds()
    name = topic.settings.topics.input_topic
    return _Range(
        causes=chosen or frozenset(cause.value for cause in Cause),
        all_causes=not chosen,
        bounds=bounds,
        ends=topic.ends_before(bounds, until),
        target=Target(topic=name, partitions=len(topic.lookup.bounds(name))),
    )


def _positions(topic: DeadTopic, what: _Range) -> tuple[RedrivePositions, Sorter]:
    """Positions as they stand now, and what they make of letters."""
    from workers.redrive_fates import Sorter  # noqa: PLC0415
    from workers.redrive_positions import RedrivePositions  # noqa: PLC0415

    positions = RedrivePositions.looked_up(
        topic.lookup,
        topic.name,
        group_id=topic.settings.connection.group_id,
        causes=what.causes,
        bounds=what.bounds,
    )
    return positions, Sorter(positions, what.target, all_causes=what.all_causes)


def _plan(topic: DeadTopic, what: _Range) -> RedriveTally:
    """What would become of the letters now; nothing is sent or claimed."""
    from workers.dead_letters import letters_of  # noqa: PLC0415
    from workers.redrive_fates import RedriveTally  # noqa: PLC0415

    positions, sorter = _positions(topic, what)
    spans = positions.spans(what.ends)
    tally = RedriveTally()
    if not any(span.size for span in spans.values()):
        return tally
    with topic.reading(spans, what.bounds) as reader:
        for records in reader.turns():
            letters = letters_of(records)
            tally.not_ours += len(records) - len(letters)
            tally.note_all(letters, sorter.fates(letters))
    return tally


def _run(
    topic: DeadTopic, what: _Range, policy: RedrivePolicy, planned: RedriveTally
) -> RedriveTally:
    from workers.redrive_positions import transactions_name  # noqa: PLC0415
    from workers.redriving import Redrive, claim  # noqa: PLC0415

    retry, stopping = topic.settings.retry, topic.stopping
    transactions = topic.log.transactions(transactions_name(topic.settings.connection.group_id))
    try:
        claim(transactions, policy=policy, retry=retry, stop=stopping)
        positions, sorter = _positions(topic, what)
        with topic.reading(positions.spans(what.ends), what.bounds) as reader:
            work = Redrive(
                reader,
                sorter,
                positions,
                topic=what.target.topic,
                transactions=transactions,
                lookup=topic.lookup,
                dead_letter_topic=topic.name,
                policy=policy,
                retry=retry,
                stopping=stopping,
            )
            with _progress(planned.sent.total()) as report:
                for tally in work.run():
                    report(tally.sent.total())
            return work.tally
    finally:
        transactions.close(_CLOSE_S)


def _ask(planned: RedriveTally) -> None:
    count = planned.sent.total()
    question = f"Send {_counted(count)} back?"
    try:
        sure = typer.confirm(question, err=True)
    except typer.Abort:
        raise typer.Exit(INTERRUPTED) from None
    if not sure:
        typer.echo("Nothing was sent.", err=True)
        raise typer.Exit(1)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """On a terminal a bar, elsewhere a line now and then, both on standard error."""
    from workers.cli.terminal import printer  # noqa: PLC0415

    console = printer(err=True)
    if not console.is_terminal:
        last = time.monotonic()

        def tell(sent: int) -> None:
            nonlocal last
            if time.monotonic() - last >= _REPORT_S:
                last = time.monotonic()
                typer.echo(f"{sent:,} of {_counted(total)} sent back", err=True)

        yield tell
        return
    from rich.progress import BarColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

    columns = ("Sending back", BarColumn(), "{task.completed:,.0f}", TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=total)
        yield lambda sent: bar.update(task, completed=sent)


def _show_plan(
    topic: DeadTopic, what: _Range, planned: RedriveTally, policy: RedrivePolicy
) -> None:
    count = planned.sent.total()
    line = f"{_counted(count)} of {topic.name} to send back to {what.target.topic}"
    if count:
        line += f" at {policy.rate:g} a second: {duration(count / policy.rate)}"
    typer.echo(line, err=True)
    for cause, letters in planned.sent.most_common():
        typer.echo(f"  {cause}: {letters:,}", err=True)
    _tell_refused(topic.name, planned, "cannot be sent back")


def _summarise(topic: DeadTopic, what: _Range, tally: RedriveTally, seconds: float) -> None:
    from workers.redrive_fates import Fate  # noqa: PLC0415

    count = tally.sent.total()
    parts = [f"{_counted(count)} sent back to {what.target.topic} in {seconds:.1f} s"]
    if tally.refused:
        parts.append(f"{tally.refused:,} refused, which stay in {topic.name}")
    parts += [
        f"{tally.fates[fate]:,} passed over: {fate.value}"
        for fate in (Fate.OTHER_CAUSE, Fate.EARLIER)
        if tally.fates[fate]
    ]
    if tally.not_ours:
        parts.append(f"{tally.not_ours:,} passed over: not ours")
    typer.echo("; ".join(parts))
    _tell_refused(topic.name, tally, "refused")


def _tell_refused(topic: str, tally: RedriveTally, outcome: str) -> None:
    from workers.redrive_fates import REASONS  # noqa: PLC0415

    for fate, reason in REASONS.items():
        if not (count := tally.fates[fate]):
            continue
        places = ", ".join(
            f"{place.partition}:{offset}" for place, offset in tally.named.get(fate, ())
        )
        more = count - len(tally.named.get(fate, ()))
        typer.echo(
            f"Warning: {_counted(count)} {outcome}: {reason}: {topic} {places}"
            + (f" and {more:,} more" if more else ""),
            err=True,
        )


def _counted(count: int) -> str:
    return "1 letter" if count == 1 else f"{count:,} letters"
