"""`weir feed` on a real broker, as a person and as a script use it."""

from __future__ import annotations

import gzip
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.broker.node import RunningNode
from workers.log import topics
from workers.log.connection import Connection
from workers.log.contract import TopicPartition
from workers.log.kafka import KafkaLog

pytestmark = pytest.mark.kafka

WEIR = [sys.executable, "-m", "workers.cli"]


class Onlooker:
    def on_assigned(self, partitions: object) -> None: ...

    def on_revoked(self, partitions: object) -> None: ...

    def on_lost(self, partitions: object) -> None: ...


class Cluster:
    """The node, with a topic of the test's own."""

    def __init__(self, servers: str) -> None:
        self.topic = f"feed-{secrets.token_hex(4)}"
        self.servers = servers
        self._connection = Connection(
            bootstrap_servers=servers, group_id=f"reader-{secrets.token_hex(4)}"
        )
        topics.create(self._connection, {self.topic: 1})

    def command(self, *arguments: str | Path) -> list[str | Path]:
        return [*WEIR, "feed", self.topic, "--bootstrap-servers", self.servers, *arguments]

    def feed(
        self, *arguments: str | Path, given: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self.command(*arguments), input=given, capture_output=True, check=False, timeout=60
        )

    def read(self, count: int) -> list[tuple[bytes | None, bytes | None]]:
        """The first records of the topic, waited for."""
        source = KafkaLog(self._connection).source()
        source.subscribe(self.topic, Onlooker())
        found: list[tuple[bytes | None, bytes | None]] = []
        while len(found) < count:
            records = source.poll(count, 5.0)
            found += zip(records.keys, records.values, strict=True)
        assert source.positions() == {TopicPartition(self.topic, 0): count}
        source.close()
        return found


@pytest.fixture
def cluster(kafka_node: RunningNode) -> Cluster:
    return Cluster(kafka_node.bootstrap_servers)


def test_a_file_of_json_lines(cluster: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    lines = [b'{"url": "http://%d.example/", "id": %d}' % (i, i) for i in range(5000)]
    lines[17] = b"{broken"
    path.write_bytes(gzip.compress(b"\n".join(lines)))

    ended = cluster.feed("--input", path, "--key-field", "id")

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(f"5,000 of 5,000 lines on {cluster.topic} in ".encode())
    keys = [None if i == 17 else b"%d" % i for i in range(5000)]
    assert cluster.read(5000) == list(zip(keys, lines, strict=True))


def test_plain_lines_from_a_pipe(cluster: Cluster) -> None:
    ended = cluster.feed("--input", "-", given=b"http://a.example/\r\n\nhttp://b.example/")

    assert ended.returncode == 0, ended.stderr
    assert b"left out as blank: 1 line" in ended.stdout
    assert cluster.read(2) == [
        (None, b'{"url":"http://a.example/"}'),
        (None, b'{"url":"http://b.example/"}'),
    ]


def test_a_line_too_large_fails_alone(cluster: Cluster) -> None:
    large = b'{"url": "%s"}' % (b"x" * 2_000_000)

    ended = cluster.feed("--input", "-", given=b"\n".join([b"{}", large, b"{}"]))

    assert ended.returncode == 1
    assert ended.stdout.startswith(b"2 of 3 lines")
    assert ended.stderr.startswith(b"Error: 1 line failed: ")
    assert cluster.read(2) == [(None, b"{}"), (None, b"{}")]


def test_a_topic_that_is_missing(cluster: Cluster) -> None:
    cluster.topic = "missing"

    ended = cluster.feed("--input", "-", given=b"http://a.example/\n")

    assert ended.returncode == 1
    assert ended.stdout == b""
    assert ended.stderr == (
        b"Error: topic 'missing' does not exist; create it (weir topics create) or check the name\n"
    )


def test_an_interrupt_ends_with_an_account(cluster: Cluster) -> None:
    with subprocess.Popen(
        cluster.command("--input", "-", "--format", "text"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as feed:
        assert feed.stdin is not None
        feed.stdin.write(b"http://a.example/\n")
        feed.stdin.flush()
        # A line is passed on at once, though more are to come.
        assert cluster.read(1) == [(None, b'{"url":"http://a.example/"}')]

        feed.send_signal(signal.SIGINT)
        out, err = feed.communicate(timeout=60)

    assert feed.returncode == 130, err
    assert out.startswith(b"1 of 1 lines")
