"""What breaks of brokers and the way to them while events flow: nothing is lost or made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.worlds import Client
from tests.faults.cases import EVENTS, LEAST, ONCE, TIMES, hold, of_both
from tests.faults.scenarios import BROKER_SCENARIOS, run_on_broker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

# Every fault once, and that twice which the two deliveries meet differently.
CASES = [
    ("killed", LEAST),
    ("killed", ONCE),
    ("disk-full", LEAST),
    ("slow", LEAST),
    ("refusing", LEAST),
    ("silent", ONCE),
    ("cut", ONCE),
]
# Of the second client those in which the client itself is put to the test.
CASES_TOO = [("killed", LEAST), ("silent", ONCE), ("cut", ONCE)]


def test_every_fault_is_tested() -> None:
    assert {name for name, _ in CASES} == set(BROKER_SCENARIOS)


@pytest.mark.parametrize(("name", "delivery", "client"), of_both(CASES, CASES_TOO))
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
