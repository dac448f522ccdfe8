"""Worker processes as operators run them, on a real broker: started, stopped, started again."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import pytest

from schemas.dead_letter import origin
from tests.broker.node import RunningNode
from tests.workers.fleet import LONG, Fleet, Reader
from tests.workers.telemetry import distinct
from workers.log.contract import Outgoing, Records, TopicPartition
from workers.log.kafka import KafkaLog

EVENTS = 20_000
BAD_EVERY = 500


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
    _come_and_go(fleet, _values(), len(range(0, EVENTS, BAD_EVERY)))


@pytest.mark.kafka
@pytest.mark.timeout(600)
@pytest.mark.parametrize("detector", ["html", "path"])
def test_replicas_of_the_other_workers_do_so_as_well(
    kafka_node: RunningNode,
    tmp_path: Path,
    page_model: Path,
    path_model: Path,
    detector: str,
) -> None:
    model = {"html": page_model, "path": path_model}[detector]
    values = [b'{"%s": "<p>%d"}' % (detector.encode(), row) for row in range(4_000)]
    values[::BAD_EVERY] = [b'{"%s": 7}' % detector.encode()] * len(values[::BAD_EVERY])
    options = ["--model", str(model)]
    fleet = Fleet(kafka_node.bootstrap_servers, tmp_path, detector, options)
    try:
        _come_and_go(fleet, values, len(values[::BAD_EVERY]))
    finally:
        fleet.end()


def _come_and_go(fleet: Fleet, values: Sequence[bytes], bad: int) -> None:
    """Feed events to two replicas, replace one while they work, and account for every event."""
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
        for start in range(0, len(values), 1000)
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
        alerts.until(lambda: judged() >= len(values) // 4, take)
        first.send_signal(signal.SIGTERM)
        assert first.wait(LONG) == 0, fleet.journal(0)
        third = fleet.start()
        alerts.until(lambda: judged() == len(values) - bad, take)
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

    assert sum(len(seen) for seen in ids.values()) == len(values) - bad
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
