"""A pipeline at work, as its metrics and its health tell it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from models.artefact import Artefact
from models.engines.contract import Engine, EngineDescription
from models.features import Features
from tests.workers.metrics.scraping import Scrape
from tests.workers.running import GROUP, INPUT, LONG, Running, World, settings
from tests.workers.telemetry import BAD, distinct, sample
from workers.errors import LogUnavailableError
from workers.health import Health, problems
from workers.judge import Judge
from workers.log.contract import Log, Outgoing, TopicPartition
from workers.log.delivery import PendingDelivery
from workers.log.memory import MemoryLog
from workers.log.memory_sink import MemorySink
from workers.metrics.meters import Meters
from workers.pipeline import Pipeline
from workers.settings.policies import EvidencePolicy
from workers.worker import output_of

QUICK = {"retry_initial_ms": "1", "retry_max_ms": "5"}


class Observed:
    """A pipeline with a clock of its health to turn.

    Args:
        world: Its topics.
        artefact: Judges, on the engine of tables or on ``engine``.
        engine: In its place.
        log: In place of the world's own.
        options: Settings.
    """

    def __init__(
        self,
        world: World,
        artefact: Artefact,
        engine: Engine | None = None,
        log: Log | None = None,
        **options: str,
    ) -> None:
        told = settings(**QUICK, **options)
        self.now = 0.0
        self.meters = Meters("url")
        self.health = Health(liveness_s=300, away_s=45, clock=lambda: self.now)
        self.health.golden()
        self.health.warm()
        judge = Judge(
            artefact, engine or artefact.engine("tables"), EvidencePolicy(), meters=self.meters
        )
        log = log or world.log()
        pipeline = Pipeline(
            log.source(),
            output_of(told, log),
            judge,
            told,
            meters=self.meters,
            health=self.health,
        )
        outcome: list[bool | BaseException] = []
        thread = threading.Thread(target=lambda: outcome.append(pipeline.run()), daemon=True)
        self.running = Running(pipeline, thread, outcome)
        thread.start()

    def ready(self) -> list[str]:
        return problems(self.health.ready())

    def live(self) -> list[str]:
        return problems(self.health.live())

    def scrape(self) -> Scrape:
        return Scrape.of(self.meters)


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_a_scrape_counts_what_the_topics_hold(artefact: Artefact, delivery: str) -> None:
    world = World()
    values = [*sample(), *BAD]
    world.feed(values)
    observed = Observed(world, artefact, delivery=delivery, publish_from="suspicious")
    world.wait_all_committed()
    world.wait_for(lambda: observed.scrape().total("weir_lag_events") == 0)
    assert observed.running.stop()

    scraped = observed.scrape()
    assert scraped.value("weir_events_total") == len(values)
    assert scraped.value("weir_event_bytes_total") == sum(len(value or b"") for value in values)
    labels = scraped.counts("weir_verdicts_total", "label")
    published = Counter((verdict["label"],) for verdict in world.verdicts())
    benign = labels.pop(("benign",))
    assert labels == published
    assert scraped.counts("weir_discards_total", "reason") == {("unpublished",): benign}
    assert scraped.value("weir_verdicts_published_total") == len(world.verdicts())
    assert scraped.counts("weir_dead_letters_total", "stage", "cause") == Counter(
        ("decode", cause.value) for cause in world.causes()
    )
    assert scraped.value("weir_dead_letters_published_total") == len(world.causes())
    assert scraped.value("weir_verdict_score_count") == len(sample())
    malicious = [verdict["score"] for verdict in world.verdicts()]
    assert scraped.value("weir_verdict_score_sum") >= sum(malicious)
    assert scraped.value("weir_batch_events_sum") == len(values)
    for step in ("decode", "featurise", "score", "explain", "encode", "publish"):
        assert scraped.value("weir_step_duration_seconds_count", step=step) >= 1
        assert scraped.value("weir_step_duration_seconds_sum", step=step) > 0
    assert scraped.value("weir_in_hand_events") == 0
    assert scraped.by("weir_queue_batches", "queue") == {
        (step,): [0] for step in ("prepare", "score", "publish")
    }
    assert scraped.value("weir_rebalances_total", event="assigned") == 1


def test_what_waits_for_acknowledgement_is_lag_and_ages(artefact: Artefact) -> None:
    world = World(partitions=2)
    world.broker.hold_acknowledgements()
    world.feed(distinct(10))
    observed = Observed(world, artefact)
    world.wait_for(
        lambda: observed.scrape().by("weir_lag_events", "partition") == {("0",): [5], ("1",): [5]}
    )
    scraped = observed.scrape()
    assert scraped.value("weir_in_hand_events") == 10
    assert scraped.value("weir_oldest_event_age_seconds") > 0
    world.broker.release_acknowledgements()
    world.wait_for(lambda: observed.scrape().value("weir_oldest_event_age_seconds") == 0)
    assert observed.scrape().total("weir_lag_events") == 0
    assert observed.running.stop()


def test_partitions_that_are_taken_by_force_are_counted_and_their_outcomes_left(
    artefact: Artefact,
) -> None:
    world = World(partitions=1)
    world.feed(distinct(10))
    observed = Observed(world, artefact)
    world.wait_for(lambda: observed.ready() == [])
    world.broker.expel(GROUP, [TopicPartition(INPUT, 0)])
    world.wait_for(lambda: observed.scrape().value("weir_rebalances_total", event="assigned") == 2)
    world.wait_all_committed()
    assert observed.scrape().value("weir_rebalances_total", event="lost") == 1
    assert observed.scrape().value("weir_assigned_partitions") == 1
    assert observed.running.stop()


def test_it_is_ready_once_it_has_partitions_and_not_after_it_was_stopped(
    artefact: Artefact,
) -> None:
    world = World()
    world.broker.set_reachable(False)
    observed = Observed(world, artefact)
    assert observed.ready() == ["no partition is assigned to this replica"]
    world.broker.set_reachable(True)
    world.wait_for(lambda: observed.ready() == [])
    assert observed.running.stop()
    assert "the replica is stopping" in observed.ready()
    assert observed.live() == []


def test_it_is_not_ready_while_the_log_is_away_for_long(artefact: Artefact) -> None:
    world = World()
    observed = Observed(world, artefact)
    world.wait_for(lambda: observed.ready() == [])
    world.broker.set_reachable(False)
    # Every look finds it later; the loop moves on all the while.
    world.wait_for(lambda: _later(observed, 10) and observed.ready() != [])
    (problem,) = observed.ready()
    assert problem.startswith("the log has been away for ")
    assert observed.live() == []
    world.broker.set_reachable(True)
    world.wait_for(lambda: observed.ready() == [])
    assert observed.running.stop()


def test_it_is_not_ready_while_nothing_can_be_published(artefact: Artefact) -> None:
    refusing = threading.Event()

    class RefusingSink(MemorySink):
        def publish(self, outgoing: Outgoing) -> PendingDelivery:
            if not refusing.is_set():
                return super().publish(outgoing)
            refused = PendingDelivery()
            refused.resolve({row: LogUnavailableError("no leader") for row in range(len(outgoing))})
            return refused

    class RefusingLog(MemoryLog):
        def sink(self) -> MemorySink:
            return RefusingSink(world.broker)

    world = World(partitions=1)
    observed = Observed(world, artefact, log=RefusingLog(world.broker, GROUP))
    world.wait_for(lambda: observed.ready() == [])
    refusing.set()
    world.feed(distinct(10))
    world.wait_for(lambda: _later(observed, 10) and observed.ready() != [])
    assert all("are not acknowledged yet" in problem for problem in observed.ready())
    # A log that is waited for is no loop that is stuck, however long it takes.
    for _ in range(3):
        observed.now += 290
        world.wait_for(lambda: observed.live() == [])
    refusing.clear()
    world.wait_all_committed()
    world.wait_for(lambda: observed.ready() == [])
    assert observed.running.stop()


class Blocking:
    """An engine that stands still until told to go on."""

    def __init__(self, artefact: Artefact) -> None:
        self._engine = artefact.engine("tables")
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def warm(self, rows: int) -> None:
        pass

    def logits(self, features: Features) -> NDArray[np.float32]:
        self.begun.set()
        assert self.go_on.wait(LONG)
        return self._engine.logits(features)

    def describe(self) -> EngineDescription:
        return self._engine.describe()


@pytest.fixture
def blocking(artefact: Artefact) -> Iterator[Blocking]:
    engine = Blocking(artefact)
    yield engine
    engine.go_on.set()


def test_it_is_dead_while_its_engine_stands_still_and_lives_again(
    artefact: Artefact, blocking: Blocking
) -> None:
    world = World(partitions=1)
    observed = Observed(world, artefact, blocking, max_batch="5")
    world.wait_for(lambda: observed.ready() == [])
    world.feed(distinct(50))
    assert blocking.begun.wait(LONG)
    assert observed.live() == []
    observed.now += 301
    # The owner goes on polling, so that the group keeps us; the step that stands still is named.
    world.wait_for(lambda: observed.live() == ["stuck for more than 300 s: score for 301 s"])
    assert observed.ready() == observed.live()
    world.wait_for(lambda: observed.scrape().value("weir_queue_batches", queue="score") == 1)
    blocking.go_on.set()
    world.wait_all_committed()
    world.wait_for(lambda: observed.live() == observed.ready() == [])
    assert observed.running.stop()


def _later(observed: Observed, seconds: float) -> bool:
    observed.now += seconds
    return True
