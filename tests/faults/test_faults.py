"""What breaks on a real broker while events flow: nothing is lost, and nothing is made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.broker.node import RunningNode
from tests.faults.broker import Broker
from tests.faults.scenarios import BROKER_SCENARIOS, SCENARIOS
from tests.faults.trial import Outcome, Trial

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

DELIVERIES = ["at-least-once", "exactly-once"]
TIMES = {"sigkill": 3, "sigterm": 3, "killed": 2}
EVENTS = 5_000


def hold(outcome: Outcome, trial: Trial, *, repeats: bool) -> None:
    """Every event came out, and no other; twice only where that may be."""
    counts = outcome.account.counts
    assert counts.events >= EVENTS
    assert outcome.account.holds(exactly_once=trial.exact or not repeats), counts
    assert counts.verdicts > 0
    assert counts.dead_letters > 0


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("name", SCENARIOS)
def test_workers_and_groups(
    kafka_node: RunningNode, tmp_path: Path, name: str, delivery: str
) -> None:
    scenario = SCENARIOS[name]
    trial = Trial(
        kafka_node.bootstrap_servers,
        tmp_path,
        events=EVENTS,
        delivery=delivery,
        options=scenario.options,
    )
    try:
        trial.start(scenario.replicas)
        trial.flow()
        scenario.act(trial, TIMES.get(name, 1))
        outcome = trial.finish()
    finally:
        trial.close()
    hold(outcome, trial, repeats=scenario.repeats)
    assert set(outcome.codes) == {0}


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("name", BROKER_SCENARIOS)
def test_brokers(tmp_path: Path, name: str, delivery: str) -> None:
    scenario = BROKER_SCENARIOS[name]
    broker = Broker(tmp_path / "broker")
    trial = Trial(
        broker.disturbed, tmp_path, direct=broker.direct, events=EVENTS, delivery=delivery
    )
    try:
        trial.start(2)
        trial.flow()
        scenario.act(trial, broker, TIMES.get(name, 1))
        outcome = trial.finish()
    finally:
        trial.close()
        broker.close()
    hold(outcome, trial, repeats=scenario.repeats)
    assert set(outcome.codes) == {0}
