"""What breaks on a real broker while events flow: nothing is lost, and nothing is made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.broker.node import RunningNode
from tests.contracts.worlds import CLIENTS, Client
from tests.faults.scenarios import (
    BROKER_SCENARIOS,
    SCENARIOS,
    run_on_broker,
    run_on_workers,
)
from tests.faults.trial import Outcome

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

ONCE, LEAST = "exactly-once", "at-least-once"
# Every fault once, and those twice that the two deliveries meet differently; the soak has all.
ON_WORKERS = [
    ("sigkill", LEAST),
    ("sigkill", ONCE),
    ("sigterm", LEAST),
    ("sigstop", ONCE),
    ("static", LEAST),
    ("scale", LEAST),
    ("partitions", LEAST),
    ("too-large", ONCE),
]
ON_BROKER = [
    ("killed", LEAST),
    ("killed", ONCE),
    ("disk-full", LEAST),
    ("slow", LEAST),
    ("refusing", LEAST),
    ("silent", ONCE),
    ("cut", ONCE),
]
# Of the second client those in which the client itself is put to the test.
ON_WORKERS_TOO = [
    ("sigkill", ONCE),
    ("sigterm", LEAST),
    ("static", LEAST),
    ("partitions", LEAST),
    ("too-large", ONCE),
]
ON_BROKER_TOO = [("killed", LEAST), ("silent", ONCE), ("cut", ONCE)]
TIMES = {"sigkill": 2, "sigterm": 2}
EVENTS = 3_000


def hold(outcome: Outcome, *, repeats: bool) -> None:
    """Every event came out, and no other; twice only where that may be."""
    counts = outcome.account.counts
    assert counts.events >= EVENTS
    assert outcome.account.holds(exactly_once=outcome.exact or not repeats), counts
    assert counts.verdicts > 0
    assert counts.dead_letters > 0
    assert set(outcome.codes) == {0}, outcome.journals


def test_every_fault_is_tested() -> None:
    assert {name for name, _ in ON_WORKERS} == set(SCENARIOS)
    assert {name for name, _ in ON_BROKER} == set(BROKER_SCENARIOS)


def of_both(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> list[object]:
    cases = [
        (*case, client)
        for client, some in zip(CLIENTS, (first, second), strict=True)
        for case in some
    ]
    return [pytest.param(*case, id="-".join(case)) for case in cases]


@pytest.mark.parametrize(("name", "delivery", "client"), of_both(ON_WORKERS, ON_WORKERS_TOO))
def test_workers_and_groups(
    kafka_node: RunningNode, tmp_path: Path, name: str, delivery: str, client: Client
) -> None:
    scenario = SCENARIOS[name]
    outcome = run_on_workers(
        scenario,
        kafka_node.bootstrap_servers,
        tmp_path,
        delivery=delivery,
        events=EVENTS,
        times=TIMES.get(name, 1),
        client=client,
    )
    hold(outcome, repeats=scenario.repeats)


@pytest.mark.parametrize(("name", "delivery", "client"), of_both(ON_BROKER, ON_BROKER_TOO))
def test_brokers(tmp_path: Path, name: str, delivery: str, client: Client) -> None:
    scenario = BROKER_SCENARIOS[name]
    outcome = run_on_broker(
        scenario,
        tmp_path,
        delivery=delivery,
        events=EVENTS,
        times=TIMES.get(name, 1),
        client=client,
    )
    hold(outcome, repeats=scenario.repeats)
