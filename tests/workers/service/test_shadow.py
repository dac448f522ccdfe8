"""A shadow looks on; whatever happens to it, the model in service judges as if it were not."""

from __future__ import annotations

import threading
from collections.abc import Callable

import orjson
import pytest
import structlog

from models.artefact import Artefact
from models.features import Features
from tests.workers import failing
from tests.workers.failing import POISON, raising_on
from tests.workers.metrics.scraping import Scrape
from tests.workers.running import LONG, World, running, settings, start
from tests.workers.service.shelf import judge_of, shifted
from tests.workers.telemetry import BAD, distinct
from workers.errors import AuthorisationError, LogUnavailableError
from workers.judge import Judge
from workers.log.contract import Outgoing, Sink
from workers.log.delivery import Delivery, PendingDelivery
from workers.log.memory_sink import MemorySink
from workers.metrics.meters import Meters
from workers.metrics.service import ServiceMeters
from workers.service.bench import Bench
from workers.service.shadow import Shadow
from workers.settings.policies import EvidencePolicy, PublishPolicy, RetryPolicy, Topics

TOPIC = "alerts.shadow"
SHIFT = 3.0

pytestmark = pytest.mark.timeout(120)


class Beside:
    """A world with a model in service and a shadow."""

    def __init__(self, sink: Callable[[World], Sink] | None = None, *, topic: bool = True) -> None:
        self.world = World()
        if topic:
            self.world.broker.create_topic(TOPIC, 2)
        self.meters = Meters("url")
        make = sink or (lambda world: MemorySink(world.broker))
        self.shadow = Shadow(
            lambda: make(self.world),
            topics=Topics(verdict_topic=TOPIC),
            policy=PublishPolicy(),
            meters=ServiceMeters(self.meters.series),
            retry=RetryPolicy(),
        )

    def bench(self, judge: Judge) -> Bench:
        return Bench(judge, ServiceMeters(self.meters.series), [self.shadow])

    def scrape(self) -> Scrape:
        return Scrape.of(self.meters)

    def outcomes(self) -> dict[str, int]:
        counts = self.scrape().counts("weir_shadow_events_total", "outcome")
        return {outcome: count for (outcome,), count in counts.items()}

    def accounted(self, events: int) -> bool:
        return sum(self.outcomes().values()) >= events


def test_it_gives_its_own_verdicts_on_the_same_records(artefact: Artefact, judge: Judge) -> None:
    beside = Beside()
    beside.shadow.take(judge_of(shifted(artefact, SHIFT)))
    world, values = beside.world, [*distinct(200), *BAD]
    told = settings(max_batch="50", max_delay_ms="300")
    with running(world.log(), beside.bench(judge), told) as at_work:
        # Batch by batch, so that none has to be dropped.
        for begin in range(0, len(values), 50):
            world.feed(values[begin : begin + 50])
            world.wait_for(lambda begin=begin: beside.accounted(min(200, begin + 50)))  # type: ignore[misc]
        world.wait_all_committed()
    live = {verdict["record_id"]: verdict for verdict in world.verdicts()}
    shadowed = [orjson.loads(record.value or b"") for record in world.records(TOPIC)]
    assert len(live) == len(shadowed) == 200
    labels = []
    for verdict in shadowed:
        before = live[verdict["record_id"]]
        assert verdict["model"]["digest"] == artefact.digest[::-1]
        assert verdict["id"] != before["id"]
        assert verdict["source"] == before["source"]
        assert verdict["logit"] == pytest.approx(before["logit"] + SHIFT, abs=1e-4)
        labels.append((before["label"], verdict["label"]))
    # Records that cannot be decoded are nothing to the shadow.
    assert len(world.causes()) == len(BAD)
    assert beside.outcomes() == {"judged": 200}
    agreement = beside.scrape().counts("weir_shadow_agreement_total", "agreement")
    assert agreement.get(("same",), 0) == sum(before == after for before, after in labels)
    assert agreement.get(("newly_malicious",), 0) == sum(
        before != after == "malicious" for before, after in labels
    )
    assert sum(agreement.values()) == 200
    scrape = beside.scrape()
    assert scrape.value("weir_shadow_logit_difference_sum") == pytest.approx(SHIFT * 200, rel=1e-3)
    # Steps are those of the worker alone.
    own = Scrape.of(at_work.pipeline.meters)
    batches = own.value("weir_batch_events_count")
    assert own.value("weir_step_duration_seconds_count", step="encode") == batches


class Gate(failing.Engine):
    """Waits for ever, as far as a test can wait."""

    def __init__(self, artefact: Artefact) -> None:
        self.entered, self.release = threading.Event(), threading.Event()
        super().__init__(artefact, self._wait)

    def _wait(self, _: Features) -> None:
        self.entered.set()
        self.release.wait(LONG * 5)


def test_one_that_hangs_is_passed_by_and_left_behind(artefact: Artefact, judge: Judge) -> None:
    beside = Beside()
    engine = Gate(artefact)
    beside.shadow.take(Judge(shifted(artefact, 0), engine, EvidencePolicy()))
    world = beside.world
    world.feed(distinct(500))
    started = start(world.log(), beside.bench(judge), settings(max_batch="20"))
    assert engine.entered.wait(LONG)
    world.wait_all_committed()
    with structlog.testing.capture_logs() as logs:
        assert started.stop()
    assert sorted(verdict["event_id"] for verdict in world.verdicts()) == list(range(500))
    # One part is at work and one waits; all others were dropped.
    assert beside.outcomes()["dropped"] >= 500 - 2 * 20
    assert [entry for entry in logs if "left behind" in entry["event"]]
    assert not world.records(TOPIC)
    engine.release.set()


def _raising(error: BaseException) -> Callable[[Features], None]:
    def before(_: Features) -> None:
        raise error

    return before


@pytest.mark.parametrize(
    "error",
    [RuntimeError("no such kernel"), MemoryError("too much"), SystemExit(3), RecursionError()],
    ids=lambda error: type(error).__name__,
)
def test_whatever_it_raises_costs_it_its_batch(
    artefact: Artefact, judge: Judge, error: BaseException
) -> None:
    beside = Beside()
    engine = failing.Engine(artefact, _raising(error))
    beside.shadow.take(Judge(shifted(artefact, 0), engine, EvidencePolicy()))
    world = beside.world
    world.feed(distinct(200))
    with running(world.log(), beside.bench(judge), settings(max_batch="50")):
        world.wait_all_committed()
        world.wait_for(lambda: beside.accounted(200))
        # It goes on with a better one, though batches may pass it by first.
        beside.shadow.take(judge_of(shifted(artefact, 0)))
        fed = 200
        while not world.records(TOPIC):
            world.feed(distinct(10, start=fed))
            fed += 10
            world.wait_all_committed()
    assert sorted(verdict["event_id"] for verdict in world.verdicts()) == list(range(fed))
    assert not world.causes()
    assert beside.outcomes()["failed"] >= 50


def test_a_record_that_it_fails_on_is_no_dead_letter(artefact: Artefact, judge: Judge) -> None:
    beside = Beside()
    # Its golden logits are right, so that the record is to blame.
    engine = failing.Engine(artefact, raising_on(artefact, [POISON], ValueError("no")))
    beside.shadow.take(Judge(artefact, engine, EvidencePolicy()))
    world = beside.world
    values = distinct(50)
    values[20] = orjson.dumps({"id": 20, "url": POISON})
    world.feed(values)
    with running(world.log(), beside.bench(judge), settings(max_delay_ms="100")):
        world.wait_all_committed()
        world.wait_for(lambda: beside.accounted(50))
    assert not world.causes()
    assert len(world.verdicts()) == 50
    assert beside.outcomes() == {"judged": 49, "failed": 1}


class Refusing(MemorySink):
    """Takes nothing."""

    def publish(self, outgoing: Outgoing) -> PendingDelivery:
        raise AuthorisationError("not allowed to write to the topic")


class Silent(MemorySink):
    """Answers nothing."""

    def publish(self, outgoing: Outgoing) -> Delivery:  # type: ignore[override]
        return PendingDelivery()


def _unreachable(_: World) -> Sink:
    raise LogUnavailableError("no broker answers")


@pytest.mark.parametrize(
    ("sink", "topic"),
    [
        (None, False),
        (lambda world: Refusing(world.broker), True),
        (_unreachable, True),
    ],
    ids=["no topic", "refused", "no broker"],
)
def test_verdicts_that_are_not_taken_are_given_up_and_told(
    artefact: Artefact, judge: Judge, sink: Callable[[World], Sink] | None, topic: bool
) -> None:
    beside = Beside(sink, topic=topic)
    beside.shadow.take(judge_of(shifted(artefact, 0)))
    world = beside.world
    world.feed(distinct(100))
    with running(world.log(), beside.bench(judge), settings(max_batch="25")):
        world.wait_all_committed()
        world.wait_for(lambda: beside.outcomes().get("failed", 0) > 0)
    assert sorted(verdict["event_id"] for verdict in world.verdicts()) == list(range(100))


def test_a_topic_that_never_answers_holds_up_the_shadow_alone(
    artefact: Artefact, judge: Judge
) -> None:
    beside = Beside(lambda world: Silent(world.broker))
    beside.shadow.take(judge_of(shifted(artefact, 0)))
    world = beside.world
    world.feed(distinct(400))
    with running(world.log(), beside.bench(judge), settings(max_batch="10")):
        world.wait_all_committed()
        world.wait_for(lambda: beside.outcomes().get("dropped", 0) > 0)
    assert len(world.verdicts()) == 400
