"""`weir demo`: the main job from end to end on a file of events, and an account of every one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from workers.cli.demo_worker import process_worker, thread_worker
from workers.cli.lines import opened
from workers.cli.options import CLIENT, takes_settings
from workers.settings.resolve import Given, load

if TYPE_CHECKING:
    from rich.console import Console

    from schemas.verdict_reader import Verdict
    from workers.demo import Account

# Of the benign verdicts one in so many is shown, of the others all.
_BENIGN_SHOWN = 25


@takes_settings(*CLIENT, "input_topic", "verdict_topic", "dead_letter_topic", "engine", "model")
def demo(
    given: Given,
    *,
    source: Annotated[
        str,
        typer.Option(
            "--input",
            metavar="FILE|-",
            help="File of events, one JSON object a line, gzip if it ends in .gz.",
        ),
    ],
    memory: Annotated[
        bool,
        typer.Option("--memory", help="Use a log in this process instead of a Kafka cluster."),
    ] = False,
) -> None:
    """Feed a file of events, let a worker judge them, and account for every one.

    Makes the topics where they are missing, starts one worker, shows verdicts as they come (all
    that are suspicious or malicious, one benign in 25) and ends with a summary. Exit code 0 only
    if every event came out as exactly one verdict or dead letter.
    """
    from workers import journal  # noqa: PLC0415
    from workers.cli.terminal import printer  # noqa: PLC0415
    from workers.demo import demonstrate  # noqa: PLC0415

    settings = load(given, detector="url", role="demo").settings
    with opened(source) as lines:
        values = [line for batch in lines for line in batch if line.strip()]
    # The account is what is shown; of the worker's journal only what goes wrong.
    journal.configure(replace(settings.journal, log_level="error"))
    console = printer()
    account: Account | None = None
    with thread_worker(settings) if memory else process_worker(settings, given) as worker:
        steps = demonstrate(
            values,
            log=worker.log,
            watching=worker.watching,
            topics=settings.topics,
            ready=worker.ready,
        )
        with _progress(console, len(values)) as report:
            benign = 0
            for account, verdicts in steps:
                for verdict in verdicts:
                    benign += verdict["label"] == "benign"
                    if verdict["label"] != "benign" or benign % _BENIGN_SHOWN == 1:
                        _show(console, verdict)
                report(account)
        clean = worker.ended()
    if account is None or not _summarise(console, account, "memory" if memory else "kafka", clean):
        raise typer.Exit(1)


def _show(console: Console, verdict: Verdict) -> None:
    from workers.cli.verdict_line import verdict_line  # noqa: PLC0415

    console.print(verdict_line(verdict))


def _summarise(console: Console, account: Account, log: str, clean: int) -> bool:
    def counts(counter: Iterable[tuple[str, int]]) -> str:
        return ", ".join(f"{count:,} {name}" for name, count in counter)

    rate = account.events / account.seconds if account.seconds else 0.0
    order = ("benign", "suspicious", "malicious")
    console.print()
    console.print(f"events in     {account.fed:>9,}")
    console.print(
        f"verdicts out  {account.verdicts:>9,}  "
        + counts((label, account.labels[label]) for label in order)
    )
    console.print(f"dead letters  {account.dead:>9,}  " + counts(sorted(account.causes.items())))
    console.print(f"events/s      {rate:>9,.0f}  from the first one fed to the last one judged")
    if not account.exact:
        console.print(
            f"NOT every event came out once: {account.missing:,} missing, "
            f"{account.repeated:,} more than once"
        )
    if clean != 0:
        console.print(f"the worker did not stop cleanly: exit code {clean}")
    console.print(
        f"events {account.events} verdicts {account.verdicts} dead {account.dead} log {log}"
    )
    return account.exact and clean == 0


@contextmanager
def _progress(console: Console, events: int) -> Iterator[Callable[[Account], None]]:
    """A bar under the verdicts, on a terminal."""
    if not console.is_terminal:
        yield lambda _account: None
        return
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(
            Progress(
                TextColumn("{task.completed:,}/{task.total:,} events"),
                BarColumn(),
                TextColumn("{task.fields[rate]:,.0f}/s  lag {task.fields[lag]:,}"),
                console=console,
            )
        )
        task = progress.add_task("", total=events, rate=0.0, lag=0)

        def report(account: Account) -> None:
            done = events - account.missing
            progress.update(
                task,
                completed=done,
                rate=done / account.seconds if account.seconds else 0.0,
                lag=account.lag,
            )

        yield report


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(short_help="Run the main job on a file of events.")(demo)
