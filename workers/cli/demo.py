"""`weir demo`: the main job from end to end on files of events, and an account of every one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from workers.cli.demo_worker import RunningWorker, process_worker, thread_worker
from workers.cli.lines import opened
from workers.cli.options import CLIENT, MODEL, takes_settings
from workers.cli.work import DETECTORS
from workers.errors import ConfigurationError
from workers.settings.resolve import Given, load

if TYPE_CHECKING:
    from rich.console import Console

    from schemas.verdict_reader import Verdict
    from workers.demo import Account
    from workers.settings.policies import Settings

# Of the benign verdicts one in so many is shown, of the others all.
_BENIGN_SHOWN: Final = 25


@takes_settings(*CLIENT, "input_topic", "verdict_topic", "dead_letter_topic", *MODEL)
def demo(
    given: Given,
    *,
    sources: Annotated[
        list[str],
        typer.Option(
            "--input",
            metavar="[url=|html=|path=]FILE",
            help=(
                "File of events for a detector, url without a name: one JSON object a line, gzip "
                "if it ends in .gz. Repeatable, with another detector each time."
            ),
        ),
    ],
    memory: Annotated[
        bool,
        typer.Option("--memory", help="Use a log in this process instead of a Kafka cluster."),
    ] = False,
) -> None:
    """Feed files of events, let workers judge them, and account for every event.

    Makes the topics where they are missing, starts one worker a detector, shows verdicts as they
    come (all that are suspicious or malicious, one benign in 25) and ends with a summary. Exit
    code 0 only if every event came out as exactly one verdict or dead letter.
    """
    from workers import journal  # noqa: PLC0415
    from workers.cli.terminal import printer  # noqa: PLC0415
    from workers.demo import Sample, demonstrate  # noqa: PLC0415

    files = _by_detector(sources)
    all_settings = [load(given, detector=name, role="demo").settings for name in files]
    _check_apart(all_settings)
    samples = [
        Sample(topics=settings.topics, values=_events(files[settings.detector]))
        for settings in all_settings
    ]
    # The account is what is shown; of the workers' journals only what goes wrong.
    journal.configure(replace(all_settings[0].journal, log_level="error"))
    console = printer()
    accounts: Sequence[Account] = ()
    with _workers(all_settings, given, memory=memory) as workers:
        steps = demonstrate(
            samples,
            log=workers[0].log,
            watching=workers[0].watching,
            ready=lambda: _all_ready(workers),
        )
        with _progress(console, sum(len(sample.values) for sample in samples)) as report:
            benign = 0
            for accounts, verdicts in steps:
                for verdict in verdicts:
                    benign += verdict["label"] == "benign"
                    if verdict["label"] != "benign" or benign % _BENIGN_SHOWN == 1:
                        _show(console, verdict)
                report(accounts)
        clean = {
            settings.detector: worker.ended()
            for settings, worker in zip(all_settings, workers, strict=True)
        }
    for settings, account in zip(all_settings, accounts, strict=True):
        _summarise(console, settings.topics.input_topic, account)
    for detector, code in clean.items():
        if code:
            console.print(f"the worker of {detector} did not stop cleanly: exit code {code}")
    console.print(
        f"events {sum(account.events for account in accounts)} "
        f"verdicts {sum(account.verdicts for account in accounts)} "
        f"dead {sum(account.dead for account in accounts)} log {'memory' if memory else 'kafka'}"
    )
    if any(clean.values()) or not all(account.exact for account in accounts):
        raise typer.Exit(1)


def _by_detector(sources: Sequence[str]) -> dict[str, str]:
    """The file of each detector, in the order of the command line."""
    files: dict[str, str] = {}
    for source in sources:
        name, equals, file = source.partition("=")
        detector, file = (name, file) if equals and name in DETECTORS else ("url", source)
        if detector in files:
            raise ConfigurationError(
                f"Option --input has value {source!r} after another file for {detector}; give one "
                f"file a detector ({', '.join(DETECTORS)}), as in html={source}"
            )
        files[detector] = file
    return files


def _check_apart(all_settings: Sequence[Settings]) -> None:
    """See that no two workers read one topic, which settings that name it for all would make."""
    taken: dict[str, str] = {}
    for settings in all_settings:
        topic = settings.topics.input_topic
        if topic in taken:
            raise ConfigurationError(
                f"Setting 'input_topic' has value {topic!r} for {taken[topic]} and "
                f"{settings.detector}; leave it out where there are several inputs"
            )
        taken[topic] = settings.detector


def _events(file: str) -> list[bytes]:
    with opened(file) as lines:
        return [line for batch in lines for line in batch if line.strip()]


@contextmanager
def _workers(
    all_settings: Sequence[Settings], given: Given, *, memory: bool
) -> Iterator[list[RunningWorker]]:
    """A worker a detector, all on one log."""
    from workers.log.memory_broker import MemoryBroker  # noqa: PLC0415

    broker = MemoryBroker()
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                thread_worker(settings, broker) if memory else process_worker(settings, given)
            )
            for settings in all_settings
        ]


def _all_ready(workers: Sequence[RunningWorker]) -> bool:
    """Asks every one, each time, so that one that has gone is noticed."""
    return sum(worker.ready() for worker in workers) == len(workers)


def _show(console: Console, verdict: Verdict) -> None:
    from workers.cli.verdict_line import verdict_line  # noqa: PLC0415

    console.print(verdict_line(verdict))


def _summarise(console: Console, topic: str, account: Account) -> None:
    def counts(counter: Iterable[tuple[str, int]]) -> str:
        return ", ".join(f"{count:,} {name}" for name, count in counter)

    rate = account.events / account.seconds if account.seconds else 0.0
    order = ("benign", "suspicious", "malicious")
    console.print()
    console.print(topic)
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


@contextmanager
def _progress(console: Console, events: int) -> Iterator[Callable[[Sequence[Account]], None]]:
    """A bar under the verdicts, on a terminal."""
    if not console.is_terminal:
        yield lambda _accounts: None
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

        def report(accounts: Sequence[Account]) -> None:
            done = events - sum(account.missing for account in accounts)
            seconds = max(account.seconds for account in accounts)
            progress.update(
                task,
                completed=done,
                rate=done / seconds if seconds else 0.0,
                lag=sum(account.lag for account in accounts),
            )

        yield report


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(short_help="Run the main job on files of events.")(demo)
