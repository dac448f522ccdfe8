"""A process that is killed at any step of a change leaves what was before, or what is after."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


def tried(tmp_path: Path, what: str) -> list[dict[str, Any]]:
    """What each try left, the last of which was not killed."""
    command = [sys.executable, "-m", "tests.models.registry.killed", str(tmp_path), what]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    tries = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["killed"] for one in tries] == [True] * (len(tries) - 1) + [False]
    # What a crash left was removed by the next call.
    assert [one["left"] for one in tries] == [[]] * len(tries)
    return tries


def states(tries: list[dict[str, Any]], *keys: str) -> list[tuple[Any, ...]]:
    """Different states in their order; one that comes back comes twice."""
    found = [tuple(one[key] for key in keys) for one in tries]
    return [one for i, one in enumerate(found) if i == 0 or one != found[i - 1]]


@pytest.mark.parametrize(
    ("what", "after"), [("promote", (3, [1, 2])), ("rollback", (1, []))], ids=["promote", "back"]
)
def test_the_pointer_is_the_old_one_or_the_new_one(
    tmp_path: Path, what: str, after: tuple[int, list[int]]
) -> None:
    tries = tried(tmp_path, what)
    assert states(tries, "live", "previous") == [(2, [1]), after]
    assert len(tries) > 5
    if what == "promote":
        assert {one["after"]["live"] for one in tries} == {3}


def test_a_version_is_not_there_or_whole(tmp_path: Path) -> None:
    tries = tried(tmp_path, "add")
    assert states(tries, "versions") == [([1, 2, 3],), ([1, 2, 3, 4],)]
    assert len(tries) > 15
    assert all(one["after"]["versions"] == [1, 2, 3, 4] and "again" not in one for one in tries)


def test_versions_go_as_a_whole_and_never_one_that_is_needed(tmp_path: Path) -> None:
    tries = tried(tmp_path, "prune")
    assert states(tries, "versions") == [([1, 2, 3],), ([2, 3],)]
    assert states(tries, "live", "previous") == [(3, [1, 2]), (3, [2])]
    assert {tuple(one["after"]["versions"]) for one in tries} == {(2, 3)}
