"""Lines fed to a topic of a real broker, and watched on it."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tests.broker.node import RunningNode
from tests.workers.cli.verdicts import verdict
from workers.cli.main import run
from workers.log import topics
from workers.log.connection import Connection
from workers.log.kafka_client import admin

pytestmark = pytest.mark.kafka


def test_what_is_fed_is_what_is_watched(
    kafka_node: RunningNode,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    group, topic = (f"{what}-{uuid.uuid4().hex}" for what in ("group", "topic"))
    connection = Connection(bootstrap_servers=kafka_node.bootstrap_servers)
    topics.create(connection, {topic: 3})
    monkeypatch.setenv("WEIR_BOOTSTRAP_SERVERS", kafka_node.bootstrap_servers)
    monkeypatch.setenv("WEIR_GROUP_ID", group)
    lines = [verdict(f"http://{n}.example/\u202e", "malicious") for n in range(2_000)]
    path = tmp_path / "verdicts.jsonl"
    path.write_bytes(b"".join(line + b"\r\n" for line in [*lines, b"no verdict", b""]))

    assert run(["feed", topic, "--input", str(path)]) == 0
    told = f"2,001 of 2,001 lines on {topic} in ".encode()
    assert capfdbinary.readouterr().out.startswith(told)

    watch = ["watch", "--verdict-topic", topic, "--from", "beginning", "--json"]
    assert run([*watch, "--limit", "2000"]) == 0
    assert sorted(capfdbinary.readouterr().out.splitlines()) == sorted(lines)

    # No group of the watch has any committed position.
    with admin(connection) as client:
        ours = [found["group_id"] for found in client.list_groups() if group in found["group_id"]]
        offsets = client.list_group_offsets(dict.fromkeys(ours))
        assert not any(offsets.values())
