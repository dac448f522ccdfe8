"""From topic to verdicts and dead letters: everything once, nothing committed before it is out."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import numpy as np
import orjson
import pytest
import structlog
from numpy.typing import NDArray

from models.artefact import Artefact
from models.characters.codes import CharacterCodes
from models.engines.contract import EngineDescription
from models.features import Features
from schemas.causes import Cause
from tests.workers.running import (
    DEAD,
    GROUP,
    INPUT,
    LONG,
    VERDICTS,
    World,
    running,
    settings,
    start,
)
from tests.workers.telemetry import BAD, distinct, sample
from workers.errors import (
    AuthorisationError,
    LogUnavailableError,
    RecordTooLargeError,
    TopicMissingError,
)
from workers.judge import Judge
from workers.log.contract import Outgoing, Records, TopicPartition
from workers.log.delivery import Delivery, PendingDelivery
from workers.log.memory import MemoryLog, MemorySource
from workers.log.memory_sink import MemorySink
from workers.pipeline import Pipeline
from workers.settings.policies import EvidencePolicy


def test_every_event_becomes_one_verdict_or_one_dead_letter(judge: Judge) -> None:
    world = World()
    values = [*distinct(500), *BAD]
    world.feed(values)
    with running(world.log(), judge, settings()):
        world.wait_all_committed()
    verdicts = world.verdicts()
    assert sorted(verdict["event_id"] for verdict in verdicts) == list(range(500))
    assert len({verdict["id"] for verdict in verdicts}) == 500
    assert Counter(world.causes()) == Counter(
        [
            Cause.EMPTY_VALUE,
            Cause.TOMBSTONE,
            Cause.NOT_JSON,
            Cause.NOT_AN_OBJECT,
            Cause.SUBJECT_MISSING,
            Cause.NOT_A_STRING,
            Cause.EMPTY,
            Cause.INVALID_UTF8,
            Cause.BAD_ID,
        ]
    )


def test_a_verdict_says_where_its_event_stood_and_a_second_worker_gives_the_same_ids(
    judge: Judge,
) -> None:
    world = World()
    world.feed(list(sample()[:50]))
    with running(world.log(), judge, settings()):
        world.wait_all_committed()
    first = {verdict["id"]: verdict for verdict in world.verdicts()}
    stored = {
        (number, record.offset): record
        for number, partition in enumerate(world.broker.topic(INPUT).partitions)
        for record in partition.records
    }
    for verdict in first.values():
        source = verdict["source"]
        record = stored[source["partition"], source["offset"]]
        assert source["topic"] == INPUT
        assert source["timestamp"] == record.timestamp
        assert f'"id":{verdict["event_id"]}'.encode() in (record.value or b"").replace(b" ", b"")

    other_group = MemoryLog(world.broker, "another-group")
    with running(other_group, judge, settings(group_id="another-group")):
        world.wait_for(lambda: len(world.records(VERDICTS)) == 100)
    assert Counter(verdict["id"] for verdict in world.verdicts()) == Counter(
        dict.fromkeys(first, 2)
    )


def test_key_and_headers_travel_with_the_verdict(judge: Judge) -> None:
    world = World(partitions=1)
    world.broker.append(
        INPUT,
        b'{"url": "http://a.example/"}',
        key=b"host-7",
        headers=[("traceparent", b"00-abc"), ("weir-cause", b"forged")],
    )
    with running(world.log(), judge, settings()):
        world.wait_all_committed()
    (verdict,) = world.records(VERDICTS)
    assert verdict.key == b"host-7"
    assert list(verdict.headers) == [("traceparent", b"00-abc")]


def test_a_dead_letter_keeps_bytes_key_and_headers_and_tells_its_origin(judge: Judge) -> None:
    world = World(partitions=1)
    world.broker.append(INPUT, b'{"url": "http://a.example/"}')
    world.broker.append(INPUT, b"\x00broken", key=b"k", headers=[("traceparent", b"00-abc")])
    with running(world.log(), judge, settings()):
        world.wait_all_committed()
    (letter,) = world.records(DEAD)
    told = dict(letter.headers)
    assert (letter.key, letter.value) == (b"k", b"\x00broken")
    assert told["traceparent"] == b"00-abc"
    assert told["weir-cause"] == b"not-json"
    assert told["weir-stage"] == b"decode"
    assert told["weir-origin-topic"] == INPUT.encode()
    assert (told["weir-origin-partition"], told["weir-origin-offset"]) == (b"0", b"1")


def test_nothing_is_committed_before_it_is_acknowledged(judge: Judge) -> None:
    world = World(partitions=1)
    world.broker.hold_acknowledgements()
    world.feed(distinct(20))
    started = start(world.log(), judge, settings())
    world.wait_for(lambda: len(world.records(VERDICTS)) == 20)
    assert world.committed().get(TopicPartition(INPUT, 0), 0) == 0
    world.broker.release_acknowledgements()
    world.wait_all_committed()
    assert started.stop()


def test_gaps_at_the_end_are_committed_past(judge: Judge) -> None:
    world = World(partitions=1)
    world.feed(distinct(3))
    world.broker.skip_offsets(TopicPartition(INPUT, 0), 2)
    with running(world.log(), judge, settings()):
        world.wait_all_committed()
    assert world.committed() == {TopicPartition(INPUT, 0): 5}


def test_a_stop_finishes_what_is_in_hand(judge: Judge) -> None:
    world = World()
    world.feed(distinct(300))
    # A batch that would wait an hour for company.
    started = start(world.log(), judge, settings(max_delay_ms="60000", max_batch="65536"))
    world.wait_for(lambda: started.pipeline.tally.counts().events == 300)
    assert started.stop()
    assert len(world.verdicts()) == 300
    assert world.committed() == world.ends()


def test_a_stop_waits_for_the_logs_thread_to_settle_what_is_done(judge: Judge) -> None:
    go_on = threading.Event()

    class LateDelivery(PendingDelivery):
        """Done long before its callbacks are called, as a busy thread of the log makes it."""

        def add_done_callback(self, callback: Callable[[Delivery], None]) -> None:
            def late() -> None:
                assert self.wait(LONG)
                assert go_on.wait(LONG)
                callback(self)

            threading.Thread(target=late, daemon=True).start()

    class LateSink(MemorySink):
        def publish(self, outgoing: Outgoing) -> PendingDelivery:
            late = LateDelivery()
            super().publish(outgoing).add_done_callback(lambda done: late.resolve(done.failures()))
            return late

    class LateLog(MemoryLog):
        def sink(self) -> MemorySink:
            return LateSink(world.broker)

    world = World()
    world.feed(distinct(20))
    started = start(LateLog(world.broker, GROUP), judge, settings())
    world.wait_for(lambda: len(world.records(VERDICTS)) == 20)
    started.pipeline.stop()
    threading.Timer(0.5, go_on.set).start()
    assert started.join()
    assert world.committed() == world.ends()


def test_two_replicas_share_the_partitions_and_hand_over_without_repeating(judge: Judge) -> None:
    world = World(partitions=4)
    world.feed(distinct(200))
    first = start(world.log(), judge, settings())
    world.wait_for(lambda: len(world.records(VERDICTS)) >= 50)
    second = start(world.log(), judge, settings())
    world.feed(distinct(200))
    world.wait_for(lambda: second.pipeline.tally.counts().events > 0)
    assert first.stop()
    world.feed(distinct(200))
    world.wait_all_committed()
    assert second.stop()
    ids = [verdict["id"] for verdict in world.verdicts()]
    assert len(ids) == len(set(ids)) == 600


def test_verdicts_under_the_minimum_are_counted_and_committed(judge: Judge) -> None:
    world = World()
    world.feed(list(sample()))
    started = start(world.log(), judge, settings(publish_from="malicious"))
    world.wait_all_committed()
    assert started.stop()
    counts = started.pipeline.tally.counts()
    labels = Counter(verdict["label"] for verdict in world.verdicts())
    assert set(labels) == {"malicious"}
    assert labels["malicious"] == counts.labels["malicious"] > 0
    assert counts.verdicts == labels["malicious"]
    assert counts.unpublished == len(sample()) - labels["malicious"]


def test_a_log_that_goes_away_and_comes_back_loses_nothing(judge: Judge) -> None:
    world = World()
    world.feed(distinct(50))
    started = start(world.log(), judge, settings(retry_initial_ms="1", retry_max_ms="5"))
    world.wait_for(lambda: len(world.records(VERDICTS)) == 50)
    world.broker.set_reachable(False)
    world.broker.set_reachable(True)
    world.feed(distinct(50))
    world.wait_all_committed()
    assert started.stop()
    assert len(world.verdicts()) == 100


def test_a_stop_while_the_log_is_away_is_bounded_and_not_called_clean(judge: Judge) -> None:
    world = World(partitions=1)
    world.broker.hold_acknowledgements()
    world.feed(distinct(10))
    told = settings(retry_initial_ms="1", retry_max_ms="5", shutdown_timeout_ms="1000")
    started = start(world.log(), judge, told)
    world.wait_for(lambda: len(world.records(VERDICTS)) == 10)
    world.broker.set_reachable(False)
    assert not started.stop()
    world.broker.set_reachable(True)
    assert world.committed().get(TopicPartition(INPUT, 0), 0) == 0


def test_a_worker_that_is_there_before_its_log_waits_for_it(judge: Judge) -> None:
    world = World(partitions=1)
    world.feed(distinct(5))
    ends = world.ends()
    world.broker.set_reachable(False)
    with structlog.testing.capture_logs() as logs:
        started = start(world.log(), judge, settings(retry_initial_ms="1", retry_max_ms="5"))
        world.wait_for(lambda: any("tried again" in entry["event"] for entry in logs))
    world.broker.set_reachable(True)
    world.wait_for(lambda: world.committed() == ends)
    assert started.stop()


def test_a_stop_before_the_log_was_ever_there_is_clean(judge: Judge) -> None:
    world = World(partitions=1)
    told = settings(retry_initial_ms="1", retry_max_ms="5")
    pipeline = Pipeline(world.log().source(), world.log().sink(), judge, told)
    world.broker.set_reachable(False)
    pipeline.stop()
    assert pipeline.run()


def test_a_log_that_goes_away_while_partitions_are_assigned_is_read_when_it_is_back(
    judge: Judge,
) -> None:
    class FadingSource(MemorySource):
        fades = True

        def _first_position(self, place: TopicPartition) -> int:
            if self.fades:
                self.fades = False
                raise LogUnavailableError("gone for a moment")
            return super()._first_position(place)

    class FadingLog(MemoryLog):
        def source(self) -> MemorySource:
            return FadingSource(world.broker, GROUP, "earliest", float("inf"))

    world = World()
    world.feed(distinct(20))
    told = settings(retry_initial_ms="1", retry_max_ms="5")
    with running(FadingLog(world.broker, GROUP), judge, told):
        world.wait_all_committed()
    assert len(world.verdicts()) == 20


def test_rows_refused_for_a_while_are_sent_again(judge: Judge) -> None:
    world = World()
    world.broker.refuse_next(*[LogUnavailableError("no leader")] * 7)
    world.feed(distinct(40))
    told = settings(retry_initial_ms="1", retry_max_ms="5")
    with running(world.log(), judge, told):
        world.wait_all_committed()
    assert sorted(verdict["event_id"] for verdict in world.verdicts()) == list(range(40))


def test_a_verdict_too_large_for_its_topic_is_one_dead_letter(judge: Judge) -> None:
    world = World()
    world.broker.refuse_next(RecordTooLargeError("1,200,000 bytes"))
    world.feed(distinct(10))
    with running(world.log(), judge, settings()):
        world.wait_all_committed()
    assert len(world.verdicts()) == 9
    assert world.causes() == [Cause.UNPUBLISHABLE]


def test_a_fault_that_does_not_pass_stops_the_worker_and_commits_nothing_more(judge: Judge) -> None:
    world = World(partitions=1)
    world.broker.refuse_next(AuthorisationError("not allowed to write to 'alerts'"))
    world.feed(distinct(10))
    started = start(world.log(), judge, settings())
    with pytest.raises(AuthorisationError, match="not allowed to write"):
        started.join()
    assert world.committed().get(TopicPartition(INPUT, 0), 0) < 10


@pytest.mark.parametrize("topic", [VERDICTS, DEAD])
def test_a_missing_topic_stops_the_worker_before_it_reads(judge: Judge, topic: str) -> None:
    world = World()
    option = {VERDICTS: "verdict_topic", DEAD: "dead_letter_topic"}[topic]
    world.feed(distinct(5))
    started = start(world.log(), judge, settings(**{option: "no-such-topic"}))
    with pytest.raises(TopicMissingError, match="no-such-topic"):
        started.join()
    assert started.pipeline.tally.counts().events == 0


def test_a_dead_letter_that_no_topic_takes_is_cut(judge: Judge) -> None:
    world = World(partitions=1)
    world.broker.create_topic("small.dead", 1, max_message_bytes=4096)
    world.broker.append(INPUT, b"x" * 100_000)
    with running(world.log(), judge, settings(dead_letter_topic="small.dead")):
        world.wait_all_committed()
    (letter,) = world.records("small.dead")
    told = dict(letter.headers)
    assert told["weir-truncated"] == b"value"
    assert told["weir-original-length"] == b"100000"
    assert 0 < len(letter.value or b"") < 4096


class NotANumber:
    """An engine that gives no number for one text."""

    POISON = "http://poison.example/"

    def __init__(self, artefact: Artefact) -> None:
        self._engine = artefact.engine("tables")
        poison = artefact.featuriser()([self.POISON])
        assert isinstance(poison, CharacterCodes)
        self._poison = poison.codes[0]

    def warm(self, rows: int) -> None:
        pass

    def logits(self, features: Features) -> NDArray[np.float32]:
        logits = self._engine.logits(features)
        assert isinstance(features, CharacterCodes)
        logits[(features.codes == self._poison).all(axis=1)] = np.nan
        return logits

    def describe(self) -> EngineDescription:
        return self._engine.describe()


def test_a_text_without_a_finite_logit_is_one_dead_letter(artefact: Artefact) -> None:
    world = World()
    judge = Judge(artefact, NotANumber(artefact), EvidencePolicy())
    poison = orjson.dumps({"url": NotANumber.POISON})
    world.feed([*distinct(20), poison, *distinct(20)])
    with running(world.log(), judge, settings()):
        world.wait_all_committed()
    assert len(world.verdicts()) == 40
    (letter,) = world.records(DEAD)
    assert letter.value == poison
    assert dict(letter.headers)["weir-cause"] == b"not-finite"
    assert dict(letter.headers)["weir-stage"] == b"score"


def test_an_engine_that_breaks_stops_the_worker(artefact: Artefact) -> None:
    class Broken(NotANumber):
        def logits(self, features: Features) -> NDArray[np.float32]:
            raise MemoryError("no room for the batch")

    world = World(partitions=1)
    world.feed(distinct(5))
    started = start(world.log(), Judge(artefact, Broken(artefact), EvidencePolicy()), settings())
    with pytest.raises(MemoryError, match="no room"):
        started.join()
    assert world.committed().get(TopicPartition(INPUT, 0), 0) == 0


def test_a_slow_engine_pauses_the_reading_instead_of_filling_memory(artefact: Artefact) -> None:
    class Slow(NotANumber):
        def __init__(self, artefact: Artefact) -> None:
            super().__init__(artefact)
            self.go_on = threading.Event()

        def logits(self, features: Features) -> NDArray[np.float32]:
            assert self.go_on.wait(LONG)
            return super().logits(features)

    class WatchedSource(MemorySource):
        polls_while_paused = 0
        is_paused = False

        def pause(self) -> None:
            self.is_paused = True
            super().pause()

        def poll(self, max_records: int, timeout: float) -> Records:
            self.polls_while_paused += self.is_paused
            return super().poll(max_records, timeout)

    class WatchedLog(MemoryLog):
        def source(self) -> MemorySource:
            return watched

    world = World(partitions=1)
    watched = WatchedSource(world.broker, GROUP, "earliest", float("inf"))
    engine = Slow(artefact)
    world.feed(distinct(500))
    started = start(
        WatchedLog(world.broker, GROUP),
        Judge(artefact, engine, EvidencePolicy()),
        settings(max_batch="10"),
    )
    # The group sees it alive while nothing moves.
    world.wait_for(lambda: watched.polls_while_paused >= 2)
    # Ten events each: waiting, and in and before each of two steps; one batch is being gathered.
    assert started.pipeline.tally.counts().events <= 60
    engine.go_on.set()
    world.wait_all_committed()
    assert started.stop()
    assert {verdict["event_id"] for verdict in world.verdicts()} == set(range(500))


def test_partitions_taken_by_force_are_read_again_by_their_next_owner(judge: Judge) -> None:
    world = World(partitions=1)
    world.broker.hold_acknowledgements()
    world.feed(distinct(10))
    zombie = start(world.log(), judge, settings())
    world.wait_for(lambda: len(world.records(VERDICTS)) == 10)
    # The group takes it for dead; it joins again, and reads what it had not committed.
    world.broker.expel(GROUP, [TopicPartition(INPUT, 0)])
    world.wait_for(lambda: len(world.records(VERDICTS)) == 20)
    world.broker.release_acknowledgements()
    world.wait_all_committed()
    assert zombie.stop()
    ids = Counter(verdict["id"] for verdict in world.verdicts())
    assert set(ids.values()) == {2}


def test_a_source_that_cannot_be_closed_keeps_no_sink_open(judge: Judge) -> None:
    class Unclosable(MemorySource):
        def close(self) -> None:
            super().close()
            raise AuthorisationError("not allowed to commit any more")

    class WatchedSink(MemorySink):
        closed = False

        def close(self, timeout: float) -> None:
            type(self).closed = True
            super().close(timeout)

    class UnclosableLog(MemoryLog):
        def source(self) -> MemorySource:
            return Unclosable(world.broker, GROUP, "earliest", float("inf"))

        def sink(self) -> MemorySink:
            return WatchedSink(world.broker)

    world = World()
    world.feed(distinct(5))
    started = start(UnclosableLog(world.broker, GROUP), judge, settings())
    world.wait_all_committed()
    with pytest.raises(AuthorisationError, match="any more"):
        started.stop()
    assert WatchedSink.closed
