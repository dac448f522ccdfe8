"""Whatever is on a topic, every record ends as a verdict or as a dead letter, and is committed."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from models.artefact import load
from models.detectors import DETECTORS
from schemas.causes import Cause, Stage
from schemas.contracts import contract
from schemas.verdict import MAX_VERDICT_BYTES
from tests.broker.node import RunningNode
from tests.contracts.worlds import Client
from tests.workers.awkward import HEADERS, MIB, Record, corpus, records
from tests.workers.fleet import LONG, PARTITIONS, Fleet, Reader
from tests.workers.odd_headers import NotUtf8
from tests.workers.running import VERDICTS, Running, World, running, settings, start
from workers.errors import RecordTooLargeError
from workers.judge import Judge
from workers.log.contract import Outgoing, Records
from workers.log.kafka import KafkaLog
from workers.log.opening import open_log
from workers.settings.policies import EvidencePolicy

VALID = Draft202012Validator(contract("verdict"))
Place = tuple[int, int]


class Account:
    """What came of records, by partition and offset."""

    def __init__(self) -> None:
        self.outcomes: Counter[Place] = Counter()
        self.letters: dict[Place, bytes | None] = {}
        self.causes: Counter[str] = Counter()
        self.ids: set[str] = set()

    def verdict(self, topic: str, value: bytes | None) -> None:
        assert value is not None
        assert len(value) <= MAX_VERDICT_BYTES
        verdict = orjson.loads(value)
        VALID.validate(verdict)
        assert verdict["id"] not in self.ids
        self.ids.add(verdict["id"])
        assert verdict["source"]["topic"] == topic
        self.outcomes[verdict["source"]["partition"], verdict["source"]["offset"]] += 1

    def letter(
        self, topic: str, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]
    ) -> None:
        told = {name: (content or b"").decode() for name, content in headers if name[:5] == "weir-"}
        assert told["weir-origin-topic"] == topic
        assert Stage(told["weir-stage"])
        self.causes[Cause(told["weir-cause"])] += 1
        place = int(told["weir-origin-partition"]), int(told["weir-origin-offset"])
        self.outcomes[place] += 1
        if "weir-truncated" not in told and "weir-original-null" not in told:
            self.letters[place] = value


class Stream:
    """A pipeline at work on one topic, that is fed and held to account again and again."""

    def __init__(self, detector: str) -> None:
        artefact = load(DETECTORS[detector].bundled)
        self._judge = Judge(
            artefact, artefact.engine("tables"), EvidencePolicy(evidence_from="benign")
        )
        self._detector = detector
        self._begin()

    def _begin(self) -> None:
        self.world = World(detector=self._detector)
        self.account = Account()
        self._seen: dict[tuple[str, int], int] = {}
        self._running: Running = start(
            self.world.log(), self._judge, settings(self._detector, evidence_from="benign")
        )

    def take(self, given: Sequence[Record]) -> Counter[str]:
        """Feed records, wait until all is committed; each has one outcome. Return the causes."""
        if not self._running.thread.is_alive():
            self._begin()
        world, before = self.world, Counter(self.account.causes)
        fed: dict[Place, Record] = {}
        with world.broker.changed:
            ends = world.ends()
            for number, record in enumerate(given):
                partition = number % world.partitions
                (end,) = (end for place, end in ends.items() if place.partition == partition)
                fed[partition, end + number // world.partitions] = record
                world.broker.append(
                    world.input,
                    record.value,
                    key=record.key,
                    headers=record.headers,
                    partition=partition,
                )
        world.wait_for(
            lambda: (
                not self._running.thread.is_alive()
                or all(
                    world.committed().get(place, 0) == end for place, end in world.ends().items()
                )
            )
        )
        if not self._running.thread.is_alive():
            self._running.join()
        self._read()
        for place, record in fed.items():
            assert (self.account.outcomes.pop(place, 0), record) == (1, record)
            assert self.account.letters.pop(place, record.value) == record.value
        assert not self.account.outcomes
        return self.account.causes - before

    def _read(self) -> None:
        """Take in what is new on the topics of verdicts and of dead letters."""
        with self.world.broker.changed:
            for topic in (VERDICTS, self.world.dead):
                for number, partition in enumerate(self.world.broker.topic(topic).partitions):
                    first = self._seen.get((topic, number), 0)
                    self._seen[topic, number] = len(partition.records)
                    for record in partition.records[first:]:
                        if topic == VERDICTS:
                            self.account.verdict(self.world.input, record.value)
                        else:
                            self.account.letter(self.world.input, record.value, record.headers)

    def end(self) -> None:
        if self._running.thread.is_alive():
            assert self._running.stop()


_STREAMS: dict[str, Stream] = {}


@pytest.fixture(scope="module", autouse=True)
def _ending() -> Iterator[None]:
    yield
    while _STREAMS:
        _, stream = _STREAMS.popitem()
        stream.end()


def stream_of(detector: str) -> Stream:
    """One for all examples; hypothesis does not mix with fixtures."""
    if detector not in _STREAMS:
        _STREAMS[detector] = Stream(detector)
    return _STREAMS[detector]


def awkward(detector: str) -> list[Record]:
    """The corpus, with keys and headers of all kinds."""
    headers = itertools.cycle([(), *HEADERS])
    keys = itertools.cycle([None, b"", b"host-7", b"\xff" * 1_000])
    return [Record(value, next(keys), next(headers)) for value in corpus(detector)]


@pytest.mark.parametrize("detector", DETECTORS)
def test_every_record_of_the_corpus_has_one_outcome(detector: str) -> None:
    causes = stream_of(detector).take(awkward(detector))
    # It reaches what it is there for.
    expected = {Cause.NOT_JSON, Cause.INVALID_UTF8, Cause.TOMBSTONE, Cause.BAD_ID}
    if detector == "html":
        expected |= {Cause.PAGE_TOO_LARGE, Cause.BAD_PACKING, Cause.NOT_BASE64}
    else:
        expected |= {Cause.OVERSIZED, Cause.TOO_LONG, Cause.EMPTY}
    assert expected <= set(causes)


@pytest.mark.parametrize("detector", DETECTORS)
@examples(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_record_that_is_made_up_has_one_outcome(detector: str, data: st.DataObject) -> None:
    stream_of(detector).take(data.draw(st.lists(records(detector), max_size=30)))


def test_a_key_that_leaves_no_room_for_a_verdict_costs_its_record_alone() -> None:
    large = Record(b'{"url": "http://a.example/"}', key=b"k" * (MIB - 200))
    causes = stream_of("url").take([large, Record(b'{"url": "http://b.example/"}'), large])
    assert causes == {Cause.UNPUBLISHABLE: 2}


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("detector", "client"),
    [*((detector, "kafka-python") for detector in DETECTORS), ("url", "confluent")],
)
def test_the_corpus_on_a_real_broker(
    kafka_node: RunningNode, tmp_path: Path, detector: str, client: Client
) -> None:
    fleet = Fleet(kafka_node.bootstrap_servers, tmp_path, detector)
    odd = Record(b'{"url": "http://a.example/"}', None, ((NotUtf8("x"), b"1"), ("", b"2")))
    given = [*awkward(detector), odd]
    sink = KafkaLog(fleet.connection).sink()
    delivery = sink.publish(
        Outgoing(
            topic=fleet.input,
            keys=[record.key for record in given],
            values=[record.value for record in given],
            headers=[record.headers for record in given],
            partitions=[number % PARTITIONS for number in range(len(given))],
        )
    )
    assert delivery.wait(LONG)
    # What no producer can put on the topic is no matter of ours.
    assert {type(error) for error in delivery.failures().values()} <= {RecordTooLargeError}
    fed = len(given) - len(delivery.failures())
    sink.close(LONG)

    account = Account()

    def take_verdicts(taken: Records) -> None:
        for value in taken.values:
            account.verdict(fleet.input, value)

    def take_letters(taken: Records) -> None:
        for value, headers in zip(taken.values, taken.headers, strict=True):
            account.letter(fleet.input, value, headers)

    def seen() -> bool:
        return account.outcomes.total() >= fed

    artefact = load(DETECTORS[detector].bundled)
    judge = Judge(artefact, artefact.engine("tables"), EvidencePolicy(evidence_from="benign"))
    told = settings(
        detector,
        input_topic=fleet.input,
        verdict_topic=fleet.verdicts,
        dead_letter_topic=fleet.dead,
    )
    with (
        running(open_log(replace(fleet.connection, client=client)), judge, told) as worker,
        Reader(fleet.bootstrap_servers, fleet.verdicts) as verdicts,
        Reader(fleet.bootstrap_servers, fleet.dead) as letters,
    ):
        while not seen():
            assert worker.thread.is_alive(), worker.join()
            for reader, take in ((verdicts, take_verdicts), (letters, take_letters)):
                take(reader.source.poll(5_000, 0.1))
    assert set(account.outcomes.values()) == {1}
    assert len(account.outcomes) == fed
    assert fleet.lag() == 0
