"""Exactly-once delivery: whatever happens, each event comes out once, with its position."""

from __future__ import annotations

import threading
from collections import Counter

import orjson
import pytest

from models.artefact import Artefact
from models.engines.contract import EngineDescription
from models.features import Features
from schemas.causes import Cause
from tests.workers.running import DEAD, GROUP, INPUT, LONG, VERDICTS, World, running, start
from tests.workers.running import settings as settings_of
from tests.workers.telemetry import BAD, distinct, sample
from workers.errors import TopicMissingError
from workers.health import problems
from workers.judge import Judge
from workers.log.contract import TopicPartition
from workers.settings.policies import EvidencePolicy, Settings
from workers.settings.resolve import Given, SettingsError, load


def settings(**options: str) -> Settings:
    quick = {"retry_initial_ms": "1", "retry_max_ms": "5"}
    return settings_of(**{"delivery": "exactly-once", **quick, **options})


def outcomes(world: World) -> Counter[tuple[int, int]]:
    """How often each record came out, as a verdict or as a dead letter."""
    seen = Counter(
        (verdict["source"]["partition"], verdict["source"]["offset"])
        for verdict in world.verdicts()
    )
    for record in world.records(DEAD):
        told = dict(record.headers)
        place = (told["weir-origin-partition"], told["weir-origin-offset"])
        seen[int(place[0] or b""), int(place[1] or b"")] += 1
    return seen


def assert_once(world: World, events: int) -> None:
    seen = outcomes(world)
    assert len(seen) == events
    assert set(seen.values()) == {1}


def test_good_and_bad_events_come_out_once(judge: Judge) -> None:
    world = World()
    values = [*sample()[:200], *BAD]
    world.feed(values)
    started = start(world.log(), judge, settings(max_batch="16"))
    world.wait_all_committed()
    assert started.stop()
    assert_once(world, len(values))
    counts = started.pipeline.tally.counts()
    assert (counts.events, counts.verdicts, counts.dead) == (len(values), 200, len(BAD))


@pytest.mark.parametrize("committed", [True, False])
def test_answers_that_are_lost_repeat_nothing(judge: Judge, *, committed: bool) -> None:
    world = World()
    world.broker.lose_answers(committed, committed, not committed)
    world.feed(distinct(100))
    with running(world.log(), judge, settings(max_batch="10")):
        world.wait_all_committed()
    assert_once(world, 100)


def test_a_log_that_goes_away_and_comes_back_repeats_nothing(judge: Judge) -> None:
    world = World()
    world.feed(distinct(50))
    with running(world.log(), judge, settings(max_batch="10")):
        world.wait_for(lambda: len(world.records(VERDICTS)) >= 10)
        world.broker.set_reachable(False)
        world.broker.set_reachable(True)
        world.feed(distinct(50))
        world.wait_all_committed()
    assert_once(world, 100)


class Gate:
    """An engine that waits before each batch until it is let go on."""

    def __init__(self, artefact: Artefact) -> None:
        self._engine = artefact.engine("tables")
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def warm(self, rows: int) -> None:
        self._engine.warm(rows)

    def logits(self, features: Features) -> object:
        self.entered.set()
        assert self.go_on.wait(LONG)
        return self._engine.logits(features)

    def describe(self) -> EngineDescription:
        return self._engine.describe()


def test_a_zombie_publishes_nothing(artefact: Artefact, judge: Judge) -> None:
    world = World(partitions=1)
    world.feed(distinct(30))
    gate = Gate(artefact)
    zombie = start(world.log(), Judge(artefact, gate, EvidencePolicy()), settings())  # type: ignore[arg-type]
    assert gate.entered.wait(LONG)
    # The group takes it for dead while it scores, and somebody else does the work. It is
    # stopping, so that it does not poll and join anew.
    zombie.pipeline.stop()
    world.wait_for(lambda: "the replica is stopping" in problems(zombie.pipeline.health.ready()))
    world.broker.expel(GROUP, [TopicPartition(INPUT, 0)])
    with running(world.log(), judge, settings()):
        world.wait_all_committed()
        gate.go_on.set()
        assert not zombie.join()
    assert_once(world, 30)


def test_replicas_hand_over_without_repeating(judge: Judge) -> None:
    world = World(partitions=4)
    world.feed(distinct(200))
    first = start(world.log(), judge, settings(max_batch="16"))
    world.wait_for(lambda: len(world.records(VERDICTS)) >= 50)
    second = start(world.log(), judge, settings(max_batch="16"))
    world.feed(distinct(200))
    world.wait_for(lambda: second.pipeline.tally.counts().events > 0)
    assert first.stop()
    world.feed(distinct(200))
    world.wait_all_committed()
    assert second.stop()
    assert_once(world, 600)


def test_a_verdict_that_its_topic_cannot_take_is_one_dead_letter(judge: Judge) -> None:
    world = World(partitions=1)
    world.broker.create_topic("small", 1, max_message_bytes=2_000)
    large = orjson.dumps({"url": "http://a.example/" + "a" * 5_000})
    world.feed([*distinct(5), large, *distinct(5)])
    with running(world.log(), judge, settings(verdict_topic="small")):
        world.wait_all_committed()
    assert len(world.records("small")) == 10
    assert world.causes() == [Cause.UNPUBLISHABLE]
    (letter,) = world.records(DEAD)
    assert letter.value == large


def test_a_dead_letter_topic_that_takes_nothing_stops_the_worker(judge: Judge) -> None:
    world = World(partitions=1)
    world.feed(distinct(5))
    started = start(world.log(), judge, settings(dead_letter_topic="no-such-topic"))
    with pytest.raises(TopicMissingError, match="no-such-topic"):
        started.join()


def test_positions_go_past_gaps(judge: Judge) -> None:
    world = World(partitions=1)
    world.feed(distinct(3))
    world.broker.skip_offsets(TopicPartition(INPUT, 0), 2)
    with running(world.log(), judge, settings()):
        world.wait_all_committed()
    assert world.committed() == {TopicPartition(INPUT, 0): 5}


def test_verdicts_under_the_minimum_are_delivered_by_being_counted(judge: Judge) -> None:
    world = World()
    world.feed(list(sample()))
    started = start(world.log(), judge, settings(publish_from="malicious"))
    world.wait_all_committed()
    assert started.stop()
    counts = started.pipeline.tally.counts()
    assert counts.verdicts == len(world.verdicts()) > 0
    assert counts.unpublished == len(sample()) - counts.verdicts


def test_a_stop_while_the_log_is_away_is_bounded_and_repeats_nothing(judge: Judge) -> None:
    world = World(partitions=1)
    world.feed(distinct(300))
    with running(world.log(), judge, settings(max_batch="10")):
        world.wait_for(lambda: len(world.records(VERDICTS)) >= 10)
    world.feed(distinct(300))
    stuck = start(world.log(), judge, settings(shutdown_timeout_ms="500"))
    world.wait_for(lambda: stuck.pipeline.tally.counts().events > 0)
    world.broker.set_reachable(False)
    stuck.pipeline.stop()
    stuck.join()
    world.broker.set_reachable(True)
    with running(world.log(), judge, settings()):
        world.wait_all_committed()
    assert_once(world, 600)


def test_reading_what_may_be_aborted_is_refused() -> None:
    given = Given(options={"delivery": "exactly-once", "isolation_level": "read_uncommitted"})
    with pytest.raises(SettingsError, match="isolation_level"):
        load(given, detector="url", environ={})
