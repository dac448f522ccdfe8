"""Worker processes as operators run them, on a real broker: started, stopped, started again."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import orjson
import pytest

from schemas.dead_letter import origin
from tests.broker.node import RunningNode
from tests.workers.telemetry import distinct
from workers.log import topics
from workers.log.connection import Connection
from workers.log.contract import Outgoing, Records, Source, TopicPartition
from workers.log.kafka import KafkaLog

EVENTS = 20_000
BAD_EVERY = 500
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
    """Replicas of one worker."""

    def __init__(self, bootstrap_servers: str, folder: Path) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.suffix = uuid.uuid4().hex[:8]
        self.input, self.verdicts, self.dead = (
            f"{name}-{self.suffix}" for name in ("telemetry", "alerts", "dead")
        )
        self.connection = Connection(
            bootstrap_servers=bootstrap_servers, group_id=f"fleet-{self.suffix}"
        )
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        topics.create(
            self.connection, {self.input: PARTITIONS, self.verdicts: PARTITIONS, self.dead: 1}
        )

    def start(self) -> subprocess.Popen[bytes]:
        journal = (self._folder / f"worker-{len(self._running)}.log").open("wb")
        with journal:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "workers.cli", "work", "url"),
                    *("--bootstrap-servers", self.bootstrap_servers),
                    *("--input-topic", self.input),
                    *("--verdict-topic", self.verdicts),
                    *("--dead-letter-topic", self.dead),
                    *("--group-id", f"fleet-{self.suffix}"),
                    *("--session-timeout-ms", "10000", "--log-format", "json"),
                ],
                stderr=journal,
            )
        self._running.append(process)
        return process

    def journal(self, number: int) -> str:
        return (self._folder / f"worker-{number}.log").read_text()

    def lag(self) -> int:
        """Records between the group's committed positions and the ends."""
        (described,) = topics.describe(self.connection, [self.input])
        return sum(partition.end - (partition.committed or 0) for partition in described.partitions)

    def end(self) -> None:
        for process in self._running:
            process.kill()
            process.wait(LONG)


@pytest.fixture
def fleet(kafka_node: RunningNode, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(kafka_node.bootstrap_servers, tmp_path)
    yield made
    made.end()


def _values() -> list[bytes]:
    values = distinct(EVENTS)
    values[::BAD_EVERY] = [b'{"url": %d}' % row for row in range(0, EVENTS, BAD_EVERY)]
    return values


@pytest.mark.kafka
@pytest.mark.timeout(600)
def test_replicas_come_and_go_and_every_event_is_judged_once(fleet: Fleet) -> None:
    values = _values()
    bad = len(values[::BAD_EVERY])
    first, second = fleet.start(), fleet.start()
    sink = KafkaLog(fleet.connection).sink()
    deliveries = [
        sink.publish(
            Outgoing(
                topic=fleet.input,
                keys=[b"%d" % row for row in range(start, start + 1000)],
                values=values[start : start + 1000],
            )
        )
        for start in range(0, EVENTS, 1000)
    ]
    for delivery in deliveries:
        assert delivery.wait(LONG)
        assert not delivery.failures()
    sink.close(LONG)

    ids: defaultdict[TopicPartition, Counter[str]] = defaultdict(Counter)
    offsets: defaultdict[int, set[int]] = defaultdict(set)

    def take(records: Records) -> None:
        for value in records.values:
            verdict = orjson.loads(value or b"")
            source = verdict["source"]
            ids[TopicPartition(fleet.input, source["partition"])][verdict["id"]] += 1
            offsets[source["partition"]].add(source["offset"])

    def judged() -> int:
        return sum(len(seen) for seen in offsets.values())

    letters: Counter[object] = Counter()
    with (
        Reader(fleet.bootstrap_servers, fleet.verdicts) as alerts,
        Reader(fleet.bootstrap_servers, fleet.dead) as dead,
    ):
        alerts.until(lambda: judged() >= EVENTS // 4, take)
        first.send_signal(signal.SIGTERM)
        assert first.wait(LONG) == 0, fleet.journal(0)
        third = fleet.start()
        alerts.until(lambda: judged() == EVENTS - bad, take)
        # It may have come too late for work, and is up to hear its signal all the same.
        alerts.until(lambda: "model loaded" in fleet.journal(2), take)
        dead.until(
            lambda: len(letters) == bad,
            lambda records: letters.update(origin(headers) for headers in records.headers),
        )
        for process in (second, third):
            process.send_signal(signal.SIGTERM)
        assert [process.wait(LONG) for process in (second, third)] == [0, 0]
        # The workers are gone: nothing more may come.
        take(alerts.source.poll(5_000, 1.0))

    assert sum(len(seen) for seen in ids.values()) == EVENTS - bad
    assert all(count == 1 for seen in ids.values() for count in seen.values())
    assert set(letters.values()) == {1}
    assert fleet.lag() == 0


@pytest.mark.kafka
def test_a_worker_without_its_topic_says_what_to_do(kafka_node: RunningNode) -> None:
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "workers.cli", "work", "url"),
            *("--bootstrap-servers", kafka_node.bootstrap_servers),
            *("--input-topic", "no-such-topic"),
        ],
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    assert ended.returncode == 1
    assert "topic" in ended.stderr
    assert "Traceback" not in ended.stderr
