"""Topics that are deleted while a worker works on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.node import RunningNode
from tests.faults.trial import Trial
from tests.workers.fleet import LONG
from workers.log.kafka_client import admin

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


@pytest.fixture
def trial(kafka_node: RunningNode, tmp_path: Path) -> Iterator[Trial]:
    made = Trial(kafka_node.bootstrap_servers, tmp_path, events=0)
    made.start(1)
    made.flow()
    yield made
    made.close()


@pytest.mark.parametrize("which", ["verdicts", "dead"])
def test_a_topic_to_publish_to_is_named_and_ends_the_worker(trial: Trial, which: str) -> None:
    name = getattr(trial.fleet, which)
    with admin(trial.fleet.connection) as client:
        client.delete_topics([name])
    assert trial.replicas[0].wait(LONG) == 1
    told = trial.fleet.journal(0).splitlines()[-1]
    assert f"topic '{name}' does not exist" in told
    assert "Traceback" not in trial.fleet.journal(0)
