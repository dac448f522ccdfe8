"""What breaks of workers and groups while events flow: nothing is lost, and nothing is made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.broker.node import RunningNode
from tests.contracts.worlds import Client
from tests.faults.cases import EVENTS, LEAST, ONCE, TIMES, hold, of_both
from tests.faults.scenarios import SCENARIOS, run_on_workers

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

# Every fault once, and that twice which the two deliveries meet differently.
CASES = [
    ("sigkill", LEAST),
    ("sigkill", ONCE),
    ("sigterm", LEAST),
    ("sigstop", ONCE),
    ("static", LEAST),
    ("scale", LEAST),
    ("partitions", LEAST),
    ("too-large", ONCE),
]
# Of the second client those in which the client itself is put to the test.
CASES_TOO = [
    ("sigkill", ONCE),
    ("sigterm", LEAST),
    ("static", LEAST),
    ("partitions", LEAST),
    ("too-large", ONCE),
]


def test_every_fault_is_tested() -> None:
    assert {name for name, _ in CASES} == set(SCENARIOS)


@pytest.mark.parametrize(("name", "delivery", "client"), of_both(CASES, CASES_TOO))
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
