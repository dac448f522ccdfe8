"""Replays of what only a real broker has: markers, aborted records, compaction, retention."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import orjson
import pytest
from kafka import KafkaProducer
from kafka import TopicPartition as KafkaPartition

from models.artefact import Artefact, load
from models.detectors import URL
from schemas.verdict import Replay as VerdictReplay
from tests.broker.node import RunningNode
from tests.contracts.reader import PATIENCE
from tests.contracts.worlds import CLIENTS, Client, KafkaWorld
from tests.workers.replay.ground import Told, wanted
from tests.workers.running import settings
from tests.workers.telemetry import distinct
from workers.health import Health
from workers.judge import Judge
from workers.log import topics
from workers.log.contract import Outgoing, TopicPartition
from workers.log.kafka_bookmarks import KafkaBookmarks
from workers.log.kafka_client import admin
from workers.log.kafka_lookup import KafkaLookup
from workers.log.kafka_spans import KafkaSpans
from workers.log.opening import open_log
from workers.metrics.meters import Meters
from workers.range_reader import Span
from workers.replay.pace import Pace
from workers.replay.plan import group_of
from workers.replay.range import Wanted
from workers.replay.run import Ends, Outcome, Replay

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def artefact() -> Artefact:
    return load(URL.bundled)


class Scene:
    """A topic of telemetry, topics of outcomes, and a run on them."""

    def __init__(
        self,
        world: KafkaWorld,
        artefact: Artefact,
        partitions: int = 1,
        config: Mapping[str, str] | None = None,
    ) -> None:
        self.world = world
        self.artefact = artefact
        self.input = world.new_topic(partitions, config=config)
        self.verdicts, self.dead = world.new_topic(), world.new_topic()
        self.run = world.group_id("run")
        told = settings(
            input_topic=self.input,
            verdict_topic=self.verdicts,
            dead_letter_topic=self.dead,
            commit_interval_ms="100",
        )
        self.connection = replace(world.connection(), group_id=group_of(self.run))
        self.settings = replace(told, connection=self.connection)
        self.producers: list[KafkaProducer] = []

    def feed(self, values: list[bytes], *, keys: list[bytes | None] | None = None) -> None:
        sink = self.world.log().sink()
        rows = Outgoing(topic=self.input, keys=keys or [None] * len(values), values=values)
        delivery = sink.publish(rows)
        assert delivery.wait(PATIENCE)
        assert not delivery.failures()
        sink.close(PATIENCE)

    def feed_in_transaction(self, values: list[bytes]) -> KafkaProducer:
        """A transaction that is open still."""
        producer = KafkaProducer(
            bootstrap_servers=self.world.bootstrap_servers,
            transactional_id=self.world.group_id(f"feeder-{time.monotonic_ns()}"),
        )
        self.producers.append(producer)
        producer.init_transactions()
        producer.begin_transaction()
        for value in values:
            producer.send(self.input, value)
        producer.flush()
        return producer

    def work(self, asked: Wanted | None = None, told: Told | None = None) -> Outcome:
        ends = Ends(
            log=lambda notes: open_log(self.connection, notes),
            lookup=KafkaLookup(self.connection),
            bookmarks=KafkaBookmarks(self.connection),
        )
        judge = Judge(
            self.artefact,
            self.artefact.engine("tables"),
            self.settings.evidence,
            replay=VerdictReplay(run=self.run),
        )
        return Replay(self.run, self.settings, asked or wanted(), ends).work(
            judge,
            Pace(),
            told or Told(),
            meters=Meters("url"),
            health=Health(liveness_s=300.0, away_s=45.0),
        )

    def values(self, topic: str) -> list[bytes]:
        (partition,) = topics.describe(self.connection, [topic])[0].partitions
        with KafkaSpans(self.connection) as reader:
            turns = reader.read(topic, {0: (0, partition.end)}) if partition.end else ()
            return [value or b"" for records in turns for value in records.values]

    def judged(self) -> list[Any]:
        """Ids of the events judged, as their producers gave them, in order."""
        return sorted(orjson.loads(value)["event_id"] for value in self.values(self.verdicts))


@pytest.fixture
def world(kafka_node: RunningNode, client: Client) -> KafkaWorld:
    return KafkaWorld(kafka_node.bootstrap_servers, client)


@pytest.fixture
def client() -> Client:
    """Of those tests that either will do for."""
    return "kafka-python"


@pytest.fixture
def scene(world: KafkaWorld, artefact: Artefact) -> Iterator[Scene]:
    made = Scene(world, artefact)
    yield made
    for producer in made.producers:
        producer.close()


@pytest.mark.parametrize("client", CLIENTS)
def test_aborted_records_are_not_replayed_and_markers_are_no_loss(scene: Scene) -> None:
    scene.feed_in_transaction(distinct(5, 100)).abort_transaction()
    committed = scene.feed_in_transaction(distinct(10))
    committed.commit_transaction()
    scene.feed_in_transaction(distinct(5, 200)).abort_transaction()

    outcome = scene.work()

    assert outcome.complete
    # Twenty records and three markers.
    assert outcome.plan.size == 23
    assert scene.judged() == list(range(10))


def test_the_range_ends_before_an_open_transaction(scene: Scene) -> None:
    scene.feed(distinct(10))
    still_open = scene.feed_in_transaction(distinct(5, 100))
    scene.feed(distinct(5, 200))
    told = Told()

    outcome = scene.work(told=told)
    still_open.commit_transaction()

    assert outcome.complete
    assert outcome.plan.size == 10
    assert "an open transaction hides what is from 10 on" in told.notes[0]
    assert scene.judged() == list(range(10))


def test_what_has_expired_is_reported_and_the_rest_is_replayed(scene: Scene) -> None:
    scene.feed([*distinct(20), b"nonsense"])
    scene.world.remove_before(TopicPartition(scene.input, 0), 15)
    told = Told()

    outcome = scene.work(wanted(from_offsets={0: 5}), told)

    assert outcome.complete
    assert outcome.plan.gone == 10
    assert told.notes[-1] == "10 of the range are gone: retention"
    assert scene.judged() == list(range(15, 20))
    assert scene.values(scene.dead) == [b"nonsense"]
    # All of it gone, or nothing ever there.
    scene.run = scene.world.group_id("empty")
    scene.connection = replace(scene.connection, group_id=group_of(scene.run))
    assert scene.work(wanted(from_offsets={0: 3}, to_offsets={0: 9})).complete
    assert len(scene.judged()) == 5


def test_two_replicas_share_a_run(kafka_node: RunningNode, artefact: Artefact) -> None:
    scene = Scene(KafkaWorld(kafka_node.bootstrap_servers), artefact, partitions=4)
    scene.feed(distinct(2_000))

    with ThreadPoolExecutor(2) as pool:
        outcomes = [one.result(PATIENCE) for one in [pool.submit(scene.work) for _ in range(2)]]

    assert all(outcome.complete for outcome in outcomes)
    assert {outcome.plan.spans[TopicPartition(scene.input, 0)] for outcome in outcomes} == {
        outcomes[0].plan.spans[TopicPartition(scene.input, 0)]
    }
    assert set(scene.judged()) == set(range(2_000))


@pytest.fixture
def compacted(kafka_node: RunningNode, artefact: Artefact) -> Scene:
    """A topic on which of a hundred records one is left in each ten."""
    scene = Scene(
        KafkaWorld(kafka_node.bootstrap_servers),
        artefact,
        config={
            "cleanup.policy": "compact",
            "segment.ms": "50",
            "min.cleanable.dirty.ratio": "0.01",
            "min.compaction.lag.ms": "0",
        },
    )
    keys: list[bytes | None] = [b"%d" % (number // 10) for number in range(100)]
    scene.feed(distinct(100), keys=keys)
    deadline = time.monotonic() + PATIENCE
    while len(scene.values(scene.input)) > 20:
        assert time.monotonic() < deadline, "the cleaner does not come"
        # What comes later rolls the segment, which is cleaned only then.
        scene.feed([distinct(1, 1_000)[0]], keys=[b"later"])
        time.sleep(0.2)
    return scene


def test_compacted_records_are_gaps(compacted: Scene) -> None:
    outcome = compacted.work(wanted(to_offsets={0: 95}))
    assert outcome.complete
    assert outcome.plan.spans == {TopicPartition(compacted.input, 0): Span(0, 95)}
    assert compacted.judged() == list(range(9, 90, 10))
    with admin(compacted.connection) as client:
        place = KafkaPartition(compacted.input, 0)
        at = client.list_group_offsets({compacted.connection.group_id: [place]})
    assert at[compacted.connection.group_id][place].offset == 95
