"""Workers of the demonstration: processes on Kafka, or threads on a log in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

from workers.settings.resolve import Given

if TYPE_CHECKING:
    from workers.log.contract import Log
    from workers.log.memory_broker import MemoryBroker
    from workers.settings.policies import Settings

_PARTITIONS = 4
_STOP_SECONDS = 30.0
# What the worker's journal says once it works, and how far into it to look.
_ASSIGNED = b'"partitions assigned"'
_READY_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningWorker:
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


@contextmanager
def process_worker(settings: Settings, given: Given) -> Iterator[RunningWorker]:
    """`weir work` as an operator would start it, on the cluster of the settings."""
    import secrets  # noqa: PLC0415

    from workers.demo import DemoError  # noqa: PLC0415
    from workers.log import topics  # noqa: PLC0415
    from workers.log.opening import open_log  # noqa: PLC0415
    from workers.message_sizes import topic_configs  # noqa: PLC0415

    for name, config in topic_configs(settings).items():
        topics.create(settings.connection, {name: _PARTITIONS}, config)

    def watching(_topic: str) -> Log:
        return open_log(
            replace(
                settings.connection,
                group_id=f"{settings.connection.group_id}-demo-{secrets.token_hex(4)}",
                group_instance_id=None,
                auto_offset_reset="latest",
            )
        )

    with tempfile.TemporaryFile() as journal:
        process = _start_worker(settings.detector, given, journal)

        def ready() -> bool:
            if process.poll() is not None:
                raise DemoError(
                    f"the worker of {settings.detector} ended with exit code "
                    f"{process.returncode}:\n{_tail(journal)}"
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
            yield RunningWorker(
                log=open_log(settings.connection),
                watching=watching,
                ready=ready,
                ended=ended,
            )
        finally:
            ended()


def _start_worker(detector: str, given: Given, journal: IO[bytes]) -> subprocess.Popen[bytes]:
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
        [
            *(sys.executable, "-m", "workers.cli", "work", detector),
            *(*arguments, "--log-format", "json"),
        ],
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
def thread_worker(settings: Settings, broker: MemoryBroker) -> Iterator[RunningWorker]:
    """The same pipeline on a log of this process."""
    from workers.demo import DemoError  # noqa: PLC0415
    from workers.log.memory import MemoryLog  # noqa: PLC0415
    from workers.message_sizes import MAX_MESSAGE_BYTES, topic_configs  # noqa: PLC0415
    from workers.pipeline import Pipeline  # noqa: PLC0415
    from workers.worker import judge_of, load_engine, output_of  # noqa: PLC0415

    for name, config in topic_configs(settings).items():
        if MAX_MESSAGE_BYTES in config:
            most = int(config[MAX_MESSAGE_BYTES])
            broker.create_topic(name, _PARTITIONS, max_message_bytes=most)
        else:
            broker.create_topic(name, _PARTITIONS)
    log = MemoryLog(broker, group_id=settings.connection.group_id)
    artefact, engine = load_engine(settings)
    engine.warm(settings.batch.max_batch)
    judge = judge_of(settings, artefact, engine)
    pipeline = Pipeline(log.source(), output_of(settings, log), judge, settings)
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
            raise DemoError(f"the worker of {settings.detector} failed: {outcome[0]}") from outcome[
                0
            ]
        return True

    def ended() -> int:
        pipeline.stop()
        thread.join(_STOP_SECONDS)
        return 0 if outcome == [True] else 1

    try:
        yield RunningWorker(
            log=log,
            watching=lambda topic: MemoryLog(
                broker, group_id=f"demo-{topic}", auto_offset_reset="latest"
            ),
            ready=ready,
            ended=ended,
        )
    finally:
        ended()
