"""A pipeline at work in a thread, on the log in memory, and what one awaits of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas.causes import Cause
from workers.judge import Judge
from workers.log.contract import Log, TopicPartition
from workers.log.memory import MemoryLog
from workers.log.memory_broker import MemoryBroker
from workers.log.memory_topic import DEFAULT_MAX_MESSAGE_BYTES, StoredRecord
from workers.message_sizes import MAX_MESSAGE_BYTES, topic_configs
from workers.pipeline import Pipeline
from workers.service.bench import Bench
from workers.settings.policies import Settings
from workers.settings.resolve import Given, load
from workers.worker import output_of

INPUT = "telemetry.urls"
VERDICTS = "alerts"
DEAD = "telemetry.urls.dead"
GROUP = "fishweir-url"
LONG = 60.0


def settings(detector: str = "url", **options: str) -> Settings:
    """Settings of a worker, as the command line would make them."""
    given = Given(options={"commit_interval_ms": "10", "max_delay_ms": "5", **options})
    return load(given, detector=detector).settings


@dataclass(slots=True)
class World:
    """Topics of a detector in memory."""

    partitions: int = 2
    broker: MemoryBroker = field(default_factory=MemoryBroker)
    detector: str = "url"
    input: str = field(init=False)
    dead: str = field(init=False)

    def __post_init__(self) -> None:
        told = settings(self.detector)
        self.input, self.dead = told.topics.input_topic, told.topics.dead_letter_topic
        for topic, config in topic_configs(told).items():
            most = int(config.get(MAX_MESSAGE_BYTES, DEFAULT_MAX_MESSAGE_BYTES))
            self.broker.create_topic(topic, self.partitions, max_message_bytes=most)

    @property
    def group(self) -> str:
        return f"fishweir-{self.detector}"

    def log(self) -> MemoryLog:
        return MemoryLog(self.broker, self.group)

    def feed(self, values: Sequence[bytes | None]) -> None:
        for number, value in enumerate(values):
            self.broker.append(self.input, value, partition=number % self.partitions)

    def records(self, topic: str) -> list[StoredRecord]:
        with self.broker.changed:
            return [
                record
                for partition in self.broker.topic(topic).partitions
                for record in partition.records
            ]

    def verdicts(self) -> list[dict[str, Any]]:
        return [orjson.loads(record.value or b"") for record in self.records(VERDICTS)]

    def causes(self) -> list[Cause]:
        return [
            Cause((dict(record.headers)["weir-cause"] or b"").decode())
            for record in self.records(self.dead)
        ]

    def ends(self) -> dict[TopicPartition, int]:
        with self.broker.changed:
            return {
                TopicPartition(self.input, number): partition.end
                for number, partition in enumerate(self.broker.topic(self.input).partitions)
            }

    def committed(self) -> dict[TopicPartition, int]:
        return self.broker.committed(self.group)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Block until it holds.

        What publishes is an event to wait for; commits and counts are none, hence the short waits.
        """
        deadline = time.monotonic() + LONG
        with self.broker.changed:
            while not condition():
                assert time.monotonic() < deadline, "it does not come to pass"
                self.broker.changed.wait(0.02)

    def wait_all_committed(self) -> None:
        """Until the group's positions stand at the ends."""
        self.wait_for(lambda: self.committed() == self.ends())


@dataclass(slots=True)
class Running:
    """A pipeline at work."""

    pipeline: Pipeline
    thread: threading.Thread
    outcome: list[bool | BaseException]

    def stop(self) -> bool:
        """Stop it; return whether it ended clean. Raises what it raised."""
        self.pipeline.stop()
        return self.join()

    def join(self) -> bool:
        self.thread.join(LONG)
        assert not self.thread.is_alive()
        result = self.outcome[0]
        if isinstance(result, BaseException):
            raise result
        return result


def start(log: Log, judge: Judge | Bench, told: Settings) -> Running:
    """Start a pipeline in a thread."""
    pipeline = Pipeline(log.source(), output_of(told, log), judge, told)
    outcome: list[bool | BaseException] = []

    def run() -> None:
        try:
            outcome.append(pipeline.run())
        except BaseException as error:  # noqa: BLE001 - raised again by join
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return Running(pipeline, thread, outcome)


@contextmanager
def running(log: Log, judge: Judge | Bench, told: Settings) -> Iterator[Running]:
    """A pipeline that has ended clean by the end of the block."""
    started = start(log, judge, told)
    try:
        yield started
    finally:
        started.pipeline.stop()
    assert started.join()
