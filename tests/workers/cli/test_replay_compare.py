"""`weir replay --compare` on the log in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.workers.cli import test_replay_verb
from tests.workers.cli.test_replay_verb import replay
from tests.workers.replay.ground import RUN, VERDICTS
from tests.workers.running import World

world = test_replay_verb.world
EARLIER = "alerts.earlier"


@pytest.fixture
def earlier(world: World) -> World:
    """An earlier model's verdicts on all 60 events; it knew one to be malicious that is not."""
    assert replay("--run", "first") == 0
    world.broker.create_topic(EARLIER, 2)
    for row in world.records(VERDICTS):
        verdict: dict[str, Any] = orjson.loads(row.value or b"")
        verdict |= {"model": {"name": "url", "version": "1", "digest": "1" * 64}, "replay": None}
        if (verdict["source"]["partition"], verdict["source"]["offset"]) == (1, 12):
            verdict |= {"label": "malicious", "logit": 9.0}
        world.broker.append(EARLIER, orjson.dumps(verdict), partition=1)
    return world


def test_a_run_is_compared_over_its_own_range(
    earlier: World, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()

    assert replay("--from-offsets", "0:10,1:10", "--compare", EARLIER) == 0

    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0].startswith(f"run {RUN} is at its end: 40 offsets")
    assert "40 events are on both sides: 39 have the same label, 1 another (2.5 %)." in lines
    assert any(line.endswith("telemetry.urls[1] offset 12") for line in lines)


def test_a_finished_run_can_be_compared_again_as_json_and_as_a_report(
    earlier: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay() == 0
    capsys.readouterr()

    options = ("--compare", EARLIER, "--report", str(tmp_path / "report"), "--json")
    assert replay(*options) == 0

    told = orjson.loads(capsys.readouterr().out)
    assert told["complete"]
    comparison = told["comparison"]
    # Those of the other run are in the same topic, and are left out.
    assert (comparison["both"], comparison["new"]["left_out"]) == (60, 60)
    assert comparison["no_longer_malicious"]["events"] == 1
    assert (tmp_path / "report" / "comparison.md").exists()


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--compare", "nowhere"), 1, "topic 'nowhere' does not exist"),
        (("--compare", "no/such.jsonl"), 2, "--compare has value 'no/such.jsonl'"),
        (("--report", "folder"), 2, "give --compare too"),
    ],
    ids=["no such topic", "no such file", "a report of nothing"],
)
def test_mistakes_are_told_before_anything_is_scored(
    world: World,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    code: int,
    says: str,
) -> None:
    assert replay(*options) == code
    assert says in capsys.readouterr().err
    assert not world.records(VERDICTS)
