"""A replica that takes longer to score than the group waits for a poll."""

from __future__ import annotations

import threading
from collections import Counter

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from models.artefact import Artefact
from models.engines.contract import EngineDescription
from models.features import Features
from tests.broker.node import RunningNode
from tests.contracts.reader import PATIENCE, Reader
from tests.contracts.worlds import KafkaWorld
from tests.workers.running import settings, start
from tests.workers.telemetry import distinct
from workers.judge import Judge
from workers.log.contract import Outgoing
from workers.metrics import catalogue
from workers.settings.policies import EvidencePolicy

INTERVAL_MS = 6_000


class Slow:
    """An engine that takes far too long for its first batch."""

    def __init__(self, artefact: Artefact) -> None:
        self._engine = artefact.engine("tables")
        self._stopped = threading.Event()
        self.slept = False

    def warm(self, rows: int) -> None:
        self._engine.warm(rows)

    def logits(self, features: Features) -> NDArray[np.float32]:
        if not self.slept:
            self._stopped.wait(1.5 * INTERVAL_MS / 1000)
            self.slept = True
        return self._engine.logits(features)

    def describe(self) -> EngineDescription:
        return self._engine.describe()


@pytest.mark.kafka
@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_it_keeps_its_partitions_and_repeats_nothing(
    kafka_node: RunningNode, artefact: Artefact, delivery: str
) -> None:
    world = KafkaWorld(kafka_node.bootstrap_servers)
    topics = [world.new_topic(2) for _ in range(3)]
    sink = world.log().sink()
    values = distinct(2_000)
    keys = [b"%d" % row for row in range(len(values))]
    assert sink.publish(Outgoing(topic=topics[0], keys=keys, values=values)).wait(PATIENCE)
    sink.close(PATIENCE)
    told = settings(
        bootstrap_servers=kafka_node.bootstrap_servers,
        input_topic=topics[0],
        verdict_topic=topics[1],
        dead_letter_topic=topics[2],
        group_id=world.connection().group_id,
        max_poll_interval_ms=str(INTERVAL_MS),
        session_timeout_ms=str(INTERVAL_MS),
        max_batch="64",
        delivery=delivery,
    )
    engine = Slow(artefact)
    running = start(world.log(), Judge(artefact, engine, EvidencePolicy()), told)
    reader = Reader(world.log("reader"), topics[1], commits=False).until(len(values))
    assert running.stop()
    reader.source.close()
    assert engine.slept
    ids = Counter(orjson.loads(value or b"")["id"] for value in reader.values)
    assert len(ids) == len(values)
    assert set(ids.values()) == {1}
    rebalances = running.pipeline.meters.series.values(catalogue.REBALANCES)
    assert rebalances[("lost",)] == 0
