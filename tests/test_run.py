"""What `make run` runs, as a stranger sees it: with a broker, with a given one, without Maven."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.broker.node import RunningNode

DEPLOY = Path(__file__).parents[1] / "deploy"
LAST = re.compile(r"events (\d+) verdicts (\d+) dead (\d+) log (kafka|memory)")


def _run(script: Path, *options: str, path: str | None = None) -> tuple[int, list[str]]:
    environment = os.environ | ({} if path is None else {"PATH": path})
    ended = subprocess.run(
        [sys.executable, script, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        check=False,
        timeout=240,
    )
    return ended.returncode, ended.stdout.splitlines()


def _accounted(lines: list[str], log: str) -> None:
    found = LAST.fullmatch(lines[-1])
    assert found is not None, lines[-5:]
    events, verdicts, dead = map(int, found.groups()[:3])
    assert (events, verdicts, dead, found[4]) == (6526, 6506, 20, log)
    topics = ("telemetry.urls", "telemetry.html", "telemetry.paths")
    told = [lines[lines.index(topic) + 1 :][:3] for topic in topics]
    assert [[_number(line) for line in account] for account in told] == [
        [3904, 3898, 6],
        [221, 213, 8],
        [2401, 2395, 6],
    ]
    assert sum(line.startswith("Score: ") for line in lines) > 100
    assert not [line for line in lines if "\x1b" in line], "plain when not a terminal"


def _number(line: str) -> int:
    """The first number of a line of the account."""
    found = re.search(r"[0-9][0-9,]*", line)
    assert found is not None, line
    return int(found[0].replace(",", ""))


@pytest.mark.kafka
def test_it_brings_its_own_broker() -> None:
    code, lines = _run(DEPLOY / "run.py")
    assert code == 0, lines[-20:]
    _accounted(lines, "kafka")


@pytest.mark.kafka
def test_it_uses_a_cluster_that_is_there(kafka_node: RunningNode) -> None:
    code, lines = _run(DEPLOY / "run.py", "--bootstrap-servers", kafka_node.bootstrap_servers)
    assert code == 0, lines[-20:]
    _accounted(lines, "kafka")


def test_without_maven_it_says_how_to_get_it_and_uses_memory(tmp_path: Path) -> None:
    copy = tmp_path / "deploy"
    shutil.copytree(DEPLOY, copy, ignore=shutil.ignore_patterns("jars", "__pycache__"))
    code, lines = _run(copy / "run.py", path=str(tmp_path / "nothing"))
    assert code == 0, lines[-20:]
    _accounted(lines, "memory")
    assert any("apt-get install maven" in line for line in lines)
    assert any("log in memory" in line for line in lines)


def test_a_cluster_that_is_not_there_is_one_clear_line() -> None:
    # Port 9 is discard: nothing listens there.
    code, lines = _run(DEPLOY / "run.py", "--bootstrap-servers", "127.0.0.1:9")
    assert code == 1
    assert "127.0.0.1:9" in lines[-1]
    assert not [line for line in lines if "Traceback" in line]
