"""A replay on a real broker that is killed midway, beside a live group."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.node import RunningNode
from tests.faults.replays import ReplayTrial

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]

# 200,000 is what one looks at by hand, once in a while: REPLAY_EVENTS=200000 pytest <this file>.
EVENTS = int(os.environ.get("REPLAY_EVENTS", "8000"))


@pytest.fixture
def trial(kafka_node: RunningNode, tmp_path: Path) -> Iterator[ReplayTrial]:
    made = ReplayTrial(kafka_node.bootstrap_servers, tmp_path, EVENTS)
    yield made
    made.close()


def test_a_run_that_is_killed_twice_ends_with_all_of_its_range_and_nothing_else(
    trial: ReplayTrial,
) -> None:
    first = trial.start()
    trial.kill_at(EVENTS // 5, first)
    # The same command goes on; two of them share what is left, until one of those dies too.
    second, third = trial.start(), trial.start()
    trial.kill_at(EVENTS * 3 // 5, second)

    assert third.wait(trial.patience) == 0, trial.journals()

    summary = trial.summary(2)
    assert summary["complete"]
    assert summary["offsets"] == EVENTS
    assert EVENTS // 5 <= summary["done_before"] < EVENTS
    account = trial.account()
    counts = account.counts
    assert account.holds(), counts
    assert (counts.events, counts.missing, counts.unknown) == (EVENTS, 0, 0)
    # Nothing that the topics of the replay hold is of an event outside of the range.
    assert (account.of_others, account.unreadable) == (0, 0)
    ids, runs = trial.ids(counts.verdicts)
    assert len(ids) == trial.good
    assert runs == {trial.run}
    assert trial.live_now() == trial.live
    assert trial.published_live() == 0
    print(  # noqa: T201 - for who looks at it by hand
        f"{counts.events} events: {counts.verdicts} verdicts with {len(ids)} ids, "
        f"{counts.dead_letters} dead letters, {counts.repeated} repeated, {counts.missing} "
        f"missing; the last replica: {summary['replica']}"
    )
