"""Workers as processes on a real broker, and readers of what comes of them."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from workers.log import topics
from workers.log.connection import Connection
from workers.log.contract import Records, Source
from workers.log.kafka import KafkaLog
from workers.message_sizes import topic_configs
from workers.settings.resolve import Given, load

PARTITIONS = 4
LONG = 240.0


class Reader:
    """Reads a topic from its beginning, as a group of its own; a context manager."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        log = KafkaLog(
            Connection(bootstrap_servers=bootstrap_servers, group_id=f"reader-{uuid.uuid4().hex}")
        )
        self.source: Source = log.source()
        self.source.subscribe(topic, self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()

    def on_assigned(self, partitions: object) -> None: ...

    def on_revoked(self, partitions: object) -> None: ...

    def on_lost(self, partitions: object) -> None: ...

    def until(self, enough: Callable[[], bool], take: Callable[[Records], None]) -> None:
        deadline = time.monotonic() + LONG
        while not enough():
            assert time.monotonic() < deadline, "the workers do not get there"
            take(self.source.poll(5_000, 1.0))


class Fleet:
    """Replicas of one worker, on topics of their own.

    Args:
        bootstrap_servers: Of the broker.
        folder: For the journals.
        detector: Whose worker it is.
        options: Of the worker, beside those of its topics.
        workers_servers: Where workers look for the broker, if not where we do.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        folder: Path,
        detector: str = "url",
        options: Sequence[str] = (),
        *,
        workers_servers: str | None = None,
    ) -> None:
        self._workers_servers = workers_servers or bootstrap_servers
        self.bootstrap_servers = bootstrap_servers
        self.detector = detector
        self._options = options
        self.suffix = uuid.uuid4().hex[:8]
        self.input, self.verdicts, self.dead = (
            f"{name}-{self.suffix}" for name in ("telemetry", "alerts", "dead")
        )
        self.connection = Connection(
            bootstrap_servers=bootstrap_servers, group_id=f"fleet-{self.suffix}"
        )
        self.folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        names = {
            "input_topic": self.input,
            "verdict_topic": self.verdicts,
            "dead_letter_topic": self.dead,
        }
        configs = topic_configs(load(Given(options=names), detector=detector, environ={}).settings)
        for name, config in configs.items():
            topics.create(self.connection, {name: PARTITIONS}, config)

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        """Start a replica, with further options."""
        journal = (self.folder / f"worker-{len(self._running)}.log").open("wb")
        with journal:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "workers.cli", "work", self.detector),
                    *("--bootstrap-servers", self._workers_servers),
                    *("--input-topic", self.input),
                    *("--verdict-topic", self.verdicts),
                    *("--dead-letter-topic", self.dead),
                    *("--group-id", f"fleet-{self.suffix}"),
                    *("--session-timeout-ms", "10000", "--log-format", "json"),
                    *self._options,
                    *more,
                ],
                stderr=journal,
            )
        self._running.append(process)
        return process

    def journal(self, number: int) -> str:
        return (self.folder / f"worker-{number}.log").read_text()

    def journal_of(self, replica: subprocess.Popen[bytes]) -> str:
        return self.journal(self._running.index(replica))

    def lag(self) -> int:
        """Records between the group's committed positions and the ends."""
        (described,) = topics.describe(self.connection, [self.input])
        return sum(partition.end - (partition.committed or 0) for partition in described.partitions)

    def end(self) -> None:
        for process in self._running:
            process.kill()
            process.wait(LONG)
