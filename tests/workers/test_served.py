"""A worker process on a real broker, scraped and probed over HTTP."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from tests.broker.node import RunningNode
from tests.workers.fleet import LONG, PARTITIONS, Fleet, Reader
from tests.workers.metrics.scraping import Scrape
from tests.workers.telemetry import BAD, sample
from workers.log.contract import Outgoing, Records
from workers.log.kafka import KafkaLog

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


class Probed:
    """A worker of a fleet, and what it answers.

    Args:
        fleet: Starts it.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.process: subprocess.Popen[bytes] = fleet.start()
        self.port = 0
        self.until(self._served)

    def _served(self) -> bool:
        assert self.process.poll() is None, self._fleet.journal(0)
        for line in self._fleet.journal(0).splitlines():
            entry = json.loads(line)
            if entry["event"] == "metrics and health are served":
                self.port = entry["port"]
        return self.port > 0

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        connection.request("GET", path)
        response = connection.getresponse()
        answer = response.status, response.read().decode()
        connection.close()
        return answer

    def scrape(self) -> Scrape:
        status, body = self.get("/metrics")
        assert status == 200
        return Scrape(body)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what no event tells of from another process."""
        deadline = time.monotonic() + LONG
        while not condition():
            assert time.monotonic() < deadline, self._fleet.journal(0)
            time.sleep(0.05)


@pytest.fixture
def fleet(kafka_node: RunningNode, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(kafka_node.bootstrap_servers, tmp_path, options=["--http", "127.0.0.1:0"])
    yield made
    made.end()


def test_a_scrape_counts_what_the_topics_hold(fleet: Fleet) -> None:
    worker = Probed(fleet)
    # From the first moment on, whatever the model takes.
    assert worker.get("/livez")[0] == 200
    assert worker.get("/readyz")[0] == 503
    worker.until(lambda: worker.get("/readyz")[0] == 200)
    assert worker.get("/startupz")[0] == 200

    values = [*sample()[:500], *(value for value in BAD if value is not None)]
    sink = KafkaLog(fleet.connection).sink()
    delivery = sink.publish(
        Outgoing(topic=fleet.input, keys=[b"%d" % n for n in range(len(values))], values=values)
    )
    assert delivery.wait(LONG)
    assert not delivery.failures()
    sink.close(LONG)

    labels: Counter[tuple[str]] = Counter()
    causes: Counter[tuple[str, str]] = Counter()

    def verdicts(records: Records) -> None:
        labels.update((orjson.loads(value or b"")["label"],) for value in records.values)

    def letters(records: Records) -> None:
        for row in records.headers:
            told = dict(row)
            causes[(told["weir-stage"] or b"").decode(), (told["weir-cause"] or b"").decode()] += 1

    with Reader(fleet.bootstrap_servers, fleet.verdicts) as reader:
        reader.until(lambda: labels.total() >= 500, verdicts)
    with Reader(fleet.bootstrap_servers, fleet.dead) as reader:
        reader.until(lambda: causes.total() >= len(values) - 500, letters)
    worker.until(lambda: fleet.lag() == 0)
    worker.until(lambda: worker.scrape().total("weir_lag_events") == 0)

    scraped = worker.scrape()
    assert scraped.value("weir_events_total", detector="url") == len(values)
    assert scraped.counts("weir_verdicts_total", "label") == labels
    assert scraped.value("weir_verdicts_published_total") == labels.total()
    assert scraped.counts("weir_dead_letters_total", "stage", "cause") == causes
    assert scraped.value("weir_dead_letters_published_total") == causes.total()
    assert scraped.value("weir_verdict_score_count") == labels.total()
    assert len(scraped.by("weir_lag_events", "partition")) == PARTITIONS
    assert scraped.value("weir_assigned_partitions") == PARTITIONS
    assert scraped.value("weir_in_hand_events") == 0
    assert scraped.value("weir_oldest_event_age_seconds") == 0
    assert scraped.value("weir_step_duration_seconds_count", step="commit") >= 1
    assert scraped.value("process_resident_memory_bytes") > 0
    (model,) = scraped.families["weir_model_info"].samples
    assert len(model.labels["digest"]) == 64

    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(LONG) == 0


def test_a_second_worker_on_the_same_port_is_told_so(fleet: Fleet) -> None:
    worker = Probed(fleet)
    taken = f"127.0.0.1:{worker.port}"
    other = fleet.start("--http", taken)
    assert other.wait(LONG) == 2
    assert taken in fleet.journal(1)
    assert "in use" in fleet.journal(1)
    assert worker.get("/livez")[0] == 200
    worker.process.kill()
