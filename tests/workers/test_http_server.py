from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import structlog

from tests.workers.metrics.scraping import Scrape
from workers import http_server
from workers.errors import ConfigurationError
from workers.health import Health
from workers.http_server import HealthServer
from workers.log.contract import TopicPartition
from workers.metrics.exposition import registry_of
from workers.metrics.meters import Meters

LONG = 10.0


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    content_type: str


class World:
    """A server, and what it tells of."""

    def __init__(self) -> None:
        self.now = 0.0
        self.health = Health(liveness_s=300, away_s=45, clock=lambda: self.now)
        self.meters = Meters("url")
        self.server = self.listen("127.0.0.1:0")

    def listen(self, address: str) -> HealthServer:
        registry = registry_of(self.meters.series, "url")
        return HealthServer(address, self.health, registry, report_period_s=60)

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=LONG)
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return Answer(response.status, body, response.headers.get("Content-Type", ""))


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    with made.server:
        yield made


def test_probes_turn_good_as_the_replica_comes_up(world: World) -> None:
    assert world.get("/startupz").status == 503
    assert world.get("/livez").status == 200
    world.health.golden()
    assert world.get("/startupz") == Answer(
        503, "ok golden\nbad warm: the model is not warm yet\n", "text/plain; charset=utf-8"
    )
    world.health.warm()
    assert world.get("/startupz").status == 200
    assert world.get("/readyz").status == 503
    assert "bad assigned: no partition is assigned" in world.get("/readyz").body
    world.health.assigned([TopicPartition("telemetry.urls", 0)])
    assert world.get("/readyz") == Answer(
        200,
        "ok golden\nok warm\nok assigned\nok breaker\nok log\nok working\nok moving\n",
        "text/plain; charset=utf-8",
    )


def test_faults_turn_readiness_bad_and_good_again(world: World) -> None:
    world.health.golden()
    world.health.warm()
    world.health.assigned([TopicPartition("telemetry.urls", 0)])
    world.health.breaker("too many failures")
    bad = world.get("/readyz")
    world.health.breaker("")
    assert bad.status == 503
    assert "bad breaker: partitions are not read: too many failures" in bad.body
    assert world.get("/readyz").status == 200


def test_a_stuck_replica_is_dead_and_tells_what_its_threads_do_once_a_period(world: World) -> None:
    go_on = threading.Event()

    def waits_for_what_never_comes() -> None:
        with world.health.busy("score"):
            assert go_on.wait(LONG)

    stuck = threading.Thread(target=waits_for_what_never_comes, name="weir-score")
    stuck.start()
    while "wait" not in http_server.stacks().partition("Thread weir-score:")[2]:
        pass
    assert world.get("/livez").status == 200
    world.now = 301
    with structlog.testing.capture_logs() as logs:
        answers = [world.get("/livez") for _ in range(3)]
    go_on.set()
    stuck.join(LONG)
    assert (
        answers
        == [
            Answer(
                503,
                "bad moving: stuck for more than 300 s: score for 301 s\n",
                "text/plain; charset=utf-8",
            )
        ]
        * 3
    )
    (entry,) = logs
    assert entry["log_level"] == "error"
    of_score = entry["stack"].partition("Thread weir-score:")[2]
    assert "waits_for_what_never_comes" in of_score.partition("\nThread ")[0]
    assert "Thread MainThread:" in entry["stack"]
    assert world.get("/livez").status == 200


def test_metrics_parse_and_say_what_was_counted(world: World) -> None:
    world.meters.polled(7, 700)
    world.meters.judged(np.array([0, 2]), np.array([0.1, 0.9]))
    answer = world.get("/metrics")
    assert answer.status == 200
    assert answer.content_type.startswith("text/plain; version=")
    scraped = Scrape(answer.body)
    assert scraped.value("weir_events_total", detector="url") == 7
    assert scraped.value("weir_verdicts_total", label="malicious") == 1


def test_metrics_come_in_the_format_that_is_asked_for(world: World) -> None:
    answer = world.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert answer.content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert answer.body.endswith("# EOF\n")
    nonsense = world.get("/metrics", Accept="application/openmetrics-text; version=one")
    assert nonsense.status == 200
    assert nonsense.content_type.startswith("text/plain")


def test_other_places_are_not_there(world: World) -> None:
    answer = world.get("/")
    assert answer.status == 404
    assert "/metrics, /livez, /readyz, /startupz" in answer.body
    assert world.get("/metrics", method="POST").status == 501
    assert world.get("/livez?verbose").status == 200


def test_head_has_no_body(world: World) -> None:
    assert world.get("/livez", method="HEAD") == Answer(200, "", "text/plain; charset=utf-8")


def test_port_0_is_one_that_is_free_and_logged() -> None:
    with structlog.testing.capture_logs() as logs:
        world = World()
    with world.server, world.listen("localhost:0") as other:
        assert other.port != world.server.port > 0
        assert logs[0]["port"] == world.server.port
        assert logs[0]["host"] == "127.0.0.1"


def test_a_taken_port_is_an_error_that_names_it(world: World) -> None:
    address = f"127.0.0.1:{world.server.port}"
    with pytest.raises(ConfigurationError, match=rf"{address}.*in use.*port 0|{address}.*, or 0"):
        world.listen(address)


def test_an_address_of_another_machine_is_an_error_that_says_so(world: World) -> None:
    with pytest.raises(ConfigurationError, match=r"192\.0\.2\.1:0.*give an address of this"):
        world.listen("192.0.2.1:0")


def test_a_port_is_free_again_when_the_server_is_closed(world: World) -> None:
    first = world.listen("127.0.0.1:0")
    address = f"127.0.0.1:{first.port}"
    first.close()
    world.listen(address).close()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_it_listens_on_ipv6_too(world: World) -> None:
    try:
        with world.listen("[::1]:0") as server:
            assert server.host == "::1"
    except ConfigurationError as error:
        pytest.skip(str(error))


def test_clients_beyond_the_most_are_let_go_and_do_no_harm(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "MOST_CLIENTS", 2)
    with world.listen("127.0.0.1:0") as server:
        place = ("127.0.0.1", server.port)
        silent = [socket.create_connection(place, LONG) for _ in range(2)]
        with socket.create_connection(place, LONG) as third:
            assert third.recv(1) == b""
        for client in silent:
            client.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
            assert b"200" in client.recv(100)
            client.close()
