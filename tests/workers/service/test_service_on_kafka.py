"""A worker process on a real broker whose models change while events flow."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.artefact import WEIGHTS, Artefact
from tests.broker.node import RunningNode
from tests.workers.fleet import LONG, Fleet, Reader
from tests.workers.service.shelf import Shelf
from tests.workers.telemetry import distinct
from workers.log.contract import Outgoing, Records, Sink
from workers.log.kafka import KafkaLog

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

PORTION = 40


class Flow:
    """Feeds a fleet's topic until told to stop.

    Args:
        fleet: Whose.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._topic = fleet.input
        self._sink: Sink = KafkaLog(fleet.connection).sink()
        self._enough = threading.Event()
        self.fed = 0
        self._thread = threading.Thread(target=self._feed, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> int:
        """Feed no more; return how many events there are."""
        self._enough.set()
        self._thread.join(LONG)
        self._sink.close(LONG)
        return self.fed

    def _feed(self) -> None:
        while not self._enough.wait(0.2):
            values = distinct(PORTION, start=self.fed)
            keys = [b"host-%d" % (number % 50) for number in range(PORTION)]
            delivery = self._sink.publish(Outgoing(topic=self._topic, keys=keys, values=values))
            assert delivery.wait(LONG)
            assert not delivery.failures()
            self.fed += PORTION


class Verdicts:
    """What is on the verdict topic so far."""

    def __init__(self, fleet: Fleet) -> None:
        self._reader = Reader(fleet.bootstrap_servers, fleet.verdicts)
        self.all: list[dict[str, Any]] = []

    def until_by(self, version: int) -> None:
        """Read on until a verdict is by this version."""
        self._reader.until(
            lambda: any(one["model"]["version"] == str(version) for one in self.all), self._take
        )

    def until(self, count: int) -> None:
        self._reader.until(lambda: len(self.all) >= count, self._take)

    def close(self) -> None:
        self._reader.source.close()

    def _take(self, records: Records) -> None:
        self.all.extend(orjson.loads(value or b"") for value in records.values)


@pytest.fixture
def shelf(tmp_path: Path, artefact: Artefact) -> Shelf:
    made = Shelf(tmp_path / "models", artefact)
    made.add(1)
    made.add(2, shift=0.5)
    made.add(3, shift=1.0)
    made.promote(1)
    return made


@pytest.fixture
def fleet(kafka_node: RunningNode, tmp_path: Path, shelf: Shelf) -> Iterator[Fleet]:
    options = ["--models", str(shelf.folder), "--delivery", "exactly-once", "--max-batch", "64"]
    # A shadow whose topic is not there.
    options += ["--shadow", "url@3", "--shadow-topic", "no.such.topic", "--model-poll-ms", "0"]
    made = Fleet(kafka_node.bootstrap_servers, tmp_path, options=options)
    yield made
    made.end()


def _until(condition: Callable[[], bool]) -> None:
    """Wait for what no event tells of from another process."""
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_models_change_on_sighup_and_no_event_pays(fleet: Fleet, shelf: Shelf) -> None:
    worker = fleet.start()
    flow, verdicts = Flow(fleet), Verdicts(fleet)
    flow.start()
    verdicts.until_by(1)
    shelf.promote(2)
    worker.send_signal(signal.SIGHUP)
    verdicts.until_by(2)
    # Refused: what was promoted is damaged.
    shelf.promote(3)
    weights = shelf.folder / "url" / "3" / WEIGHTS
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    worker.send_signal(signal.SIGHUP)
    _until(lambda: "a model is refused" in fleet.journal(0))
    verdicts.until(len(verdicts.all) + 3 * PORTION)
    # Repaired, it is taken.
    weights.write_bytes(whole)
    worker.send_signal(signal.SIGHUP)
    verdicts.until_by(3)
    verdicts.until(flow.stop())
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(LONG) == 0
    verdicts.close()
    assert sorted(one["event_id"] for one in verdicts.all) == list(range(flow.fed))
    for partition in {one["source"]["partition"] for one in verdicts.all}:
        mine = [one for one in verdicts.all if one["source"]["partition"] == partition]
        mine.sort(key=lambda one: one["source"]["offset"])
        versions = [one["model"]["version"] for one in mine]
        assert all(before <= after for before, after in pairwise(versions))
    assert {one["model"]["version"] for one in verdicts.all} == {"1", "2", "3"}
    told = [json.loads(line) for line in fleet.journal(0).splitlines()]
    refusals = [line for line in told if line["event"].startswith("a model is refused")]
    assert {line["cause"] for line in refusals} == {"digest"}
    assert all("Traceback" not in line.get("exception", "") for line in told)
    assert fleet.lag() == 0
