"""`weir demo`: the main job from end to end on a file of events, and an account of every one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Annotated

import typer

from workers.cli.lines import opened
from workers.cli.options import CLIENT, takes_settings
from workers.settings.resolve import Given, load

if TYPE_CHECKING:
    from rich.console import Console

    from schemas.verdict_reader import Verdict
    from workers.demo import Account
    from workers.log.contract import Log
    from workers.settings.policies import Settings

_PARTITIONS = 4
# Of the benign verdicts one in so many is shown, of the others all.
_BENIGN_SHOWN = 25
_STOP_SECONDS = 30.0
# What the worker's journal says once it works, and how far into it to look.
_ASSIGNED = b'"partitions assigned"'
_READY_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class _Worker:
    """A running worker.

    Attributes:
        log: To feed.
        watching: Makes the log to watch a topic of outcomes on.
        ready: Whether it works; raises when it has gone.
        ended: Stops it, and gives its exit code.
    """

    log: Log
    watching: Callable[[str], Log]
    ready: Callable[[], bool]
    ended: Callable[[], int]


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
    with _thread_worker(settings) if memory else _process_worker(settings, given) as worker:
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
def _process_worker(settings: Settings, given: Given) -> Iterator[_Worker]:
    """`weir work url` as an operator would start it, on the cluster of the settings."""
    import secrets  # noqa: PLC0415

    from workers.demo import DemoError  # noqa: PLC0415
    from workers.log import topics  # noqa: PLC0415
    from workers.log.kafka import KafkaLog  # noqa: PLC0415

    names = settings.topics
    topics.create(
        settings.connection,
        dict.fromkeys(
            (names.input_topic, names.verdict_topic, names.dead_letter_topic), _PARTITIONS
        ),
    )

    def watching(_topic: str) -> Log:
        return KafkaLog(
            replace(
                settings.connection,
                group_id=f"{settings.connection.group_id}-demo-{secrets.token_hex(4)}",
                group_instance_id=None,
                auto_offset_reset="latest",
            )
        )

    with tempfile.TemporaryFile() as journal:
        process = _start_worker(given, journal)

        def ready() -> bool:
            if process.poll() is not None:
                raise DemoError(
                    f"the worker ended with exit code {process.returncode}:\n{_tail(journal)}"
                )
            # Read where it stands: the worker writes through a descriptor of its own.
            return _ASSIGNED in os.pread(journal.fileno(), _READY_BYTES, 0)

        def ended() -> int:
            process.terminate()
            try:
                return process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                return process.wait()

        try:
            yield _Worker(
                log=KafkaLog(settings.connection),
                watching=watching,
                ready=ready,
                ended=ended,
            )
        finally:
            ended()


def _start_worker(given: Given, journal: IO[bytes]) -> subprocess.Popen[bytes]:
    """The verb `work` with what this one was given; its options have the same names."""
    arguments = [
        part
        for key, value in given.options.items()
        for part in (f"--{key.replace('_', '-')}", value)
    ]
    arguments += [part for pair in given.overrides for part in ("--kafka", pair)]
    if given.config is not None:
        arguments += ["--config", str(given.config)]
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "workers.cli", "work", "url", *arguments, "--log-format", "json"],
        stdout=subprocess.DEVNULL,
        stderr=journal,
        start_new_session=True,  # Ctrl-C is for the demonstration, which stops the worker itself
    )


def _tail(journal: IO[bytes]) -> str:
    from schemas.text import visible  # noqa: PLC0415

    journal.seek(0)
    lines = journal.read().decode("utf-8", "replace").splitlines()[-20:]
    return "\n".join(map(visible, lines))


@contextmanager
def _thread_worker(settings: Settings) -> Iterator[_Worker]:
    """The same pipeline on the log of this process."""
    from workers.demo import DemoError  # noqa: PLC0415
    from workers.judge import Judge  # noqa: PLC0415
    from workers.log.memory import MemoryLog  # noqa: PLC0415
    from workers.log.memory_broker import MemoryBroker  # noqa: PLC0415
    from workers.pipeline import Pipeline  # noqa: PLC0415
    from workers.worker import load_engine  # noqa: PLC0415

    names = settings.topics
    broker = MemoryBroker()
    for name in (names.input_topic, names.verdict_topic, names.dead_letter_topic):
        broker.create_topic(name, _PARTITIONS)
    log = MemoryLog(broker, group_id=settings.connection.group_id)
    artefact, engine = load_engine(settings)
    engine.warm(settings.batch.max_batch)
    pipeline = Pipeline(
        log.source(), log.sink(), Judge(artefact, engine, settings.evidence), settings
    )
    outcome: list[bool | BaseException] = []

    def work() -> None:
        try:
            outcome.append(pipeline.run())
        except BaseException as error:  # noqa: BLE001 - shown by whoever waits
            outcome.append(error)

    thread = threading.Thread(target=work, name="weir-worker", daemon=True)
    thread.start()

    def ready() -> bool:
        if outcome and isinstance(outcome[0], BaseException):
            raise DemoError(f"the worker failed: {outcome[0]}") from outcome[0]
        return True

    def ended() -> int:
        pipeline.stop()
        thread.join(_STOP_SECONDS)
        return 0 if outcome == [True] else 1

    try:
        yield _Worker(
            log=log,
            watching=lambda topic: MemoryLog(
                broker, group_id=f"demo-{topic}", auto_offset_reset="latest"
            ),
            ready=ready,
            ended=ended,
        )
    finally:
        ended()


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
    app.command()(demo)
