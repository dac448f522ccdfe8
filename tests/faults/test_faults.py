"""What breaks on a real broker while events flow: nothing is lost, and nothing is made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.broker.node import RunningNode
from tests.faults.scenarios import (
    BROKER_SCENARIOS,
    SCENARIOS,
    run_on_broker,
    run_on_workers,
)
from tests.faults.trial import Outcome

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

DELIVERIES = ["at-least-once", "exactly-once"]
TIMES = {"sigkill": 3, "sigterm": 3, "killed": 2}
EVENTS = 5_000


def hold(outcome: Outcome, *, repeats: bool) -> None:
    """Every event came out, and no other; twice only where that may be."""
    counts = outcome.account.counts
    assert counts.events >= EVENTS
    assert outcome.account.holds(exactly_once=outcome.exact or not repeats), counts
    assert counts.verdicts > 0
    assert counts.dead_letters > 0
    assert set(outcome.codes) == {0}, outcome.journals


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("name", SCENARIOS)
def test_workers_and_groups(
    kafka_node: RunningNode, tmp_path: Path, name: str, delivery: str
) -> None:
    scenario = SCENARIOS[name]
    outcome = run_on_workers(
        scenario,
        kafka_node.bootstrap_servers,
        tmp_path,
        delivery=delivery,
        events=EVENTS,
        times=TIMES.get(name, 1),
    )
    hold(outcome, repeats=scenario.repeats)


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("name", BROKER_SCENARIOS)
def test_brokers(tmp_path: Path, name: str, delivery: str) -> None:
    scenario = BROKER_SCENARIOS[name]
    outcome = run_on_broker(
        scenario, tmp_path, delivery=delivery, events=EVENTS, times=TIMES.get(name, 1)
    )
    hold(outcome, repeats=scenario.repeats)
