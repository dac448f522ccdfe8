"""One record that the model fails on costs one record; a model that is broken stops the worker."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import structlog
from numpy.typing import NDArray

from models.artefact import Artefact, load
from models.errors import EngineError
from models.features import Features
from schemas.causes import Cause
from tests.workers import failing
from tests.workers.failing import (
    POISON,
    NotANumberExplainer,
    RaisingExplainer,
    raising_on,
    with_explainer,
    with_poisoned_featuriser,
)
from tests.workers.running import World, running, settings, start
from tests.workers.telemetry import distinct
from workers.judge import Judge
from workers.log.contract import TopicPartition
from workers.scoring import Scorer
from workers.settings.policies import EvidencePolicy


def poison(**fields: object) -> bytes:
    return orjson.dumps({"url": POISON, **fields})


def judge_raising(
    artefact: Artefact, error: Exception, engine: type[failing.Engine] = failing.Engine
) -> Judge:
    raising = engine(artefact, raising_on(artefact, [POISON], error))
    return Judge(artefact, raising, EvidencePolicy(evidence_from="benign"))


def work(world: World, judge: Judge, **options: str) -> None:
    told = settings(world.detector, max_delay_ms="100", **options)
    with running(world.log(), judge, told):
        world.wait_all_committed()


def details(world: World) -> list[tuple[bytes | None, ...]]:
    told = [dict(letter.headers) for letter in world.records(world.dead)]
    return [(t["weir-cause"], t["weir-stage"], t["weir-detail"]) for t in told]


def texts(verdict: dict[str, Any]) -> list[str]:
    return [span["text"] for span in verdict["evidence"]]


@pytest.mark.parametrize("at", [[0], [63], [31, 32], [5, 6, 40, 99]])
def test_texts_that_the_network_fails_on_are_dead_letters_and_the_rest_is_scored(
    artefact: Artefact, at: list[int]
) -> None:
    world = World(partitions=1)
    values = distinct(100)
    for row in at:
        values[row] = poison()
    world.feed(values)
    work(world, judge_raising(artefact, FloatingPointError("overflow\x1b in dense_2")))
    ids = sorted(verdict["event_id"] for verdict in world.verdicts())
    assert ids == [row for row in range(100) if row not in at]
    letters = world.records(world.dead)
    assert [dict(letter.headers)["weir-origin-offset"] for letter in letters] == [
        str(row).encode() for row in at
    ]
    assert {letter.value for letter in letters} == {poison()}
    expected = (b"unscorable", b"score", b"FloatingPointError: overflow\\x1b in dense_2")
    assert details(world) == [expected] * len(at)


@pytest.mark.parametrize("engine", [failing.Engine, failing.TracingEngine])
def test_verdicts_of_a_batch_that_was_bisected_are_those_of_one_that_was_not(
    artefact: Artefact, engine: type[failing.Engine]
) -> None:
    judge = Judge(artefact, artefact.engine(engine.NAME), EvidencePolicy(evidence_from="benign"))
    values = [*distinct(50), poison(), *distinct(100)[50:]]
    whole, bisected = World(partitions=1), World(partitions=1)
    for world, judged in (
        (whole, judge),
        (bisected, judge_raising(artefact, ValueError("no"), engine)),
    ):
        world.feed(values)
        work(world, judged)
    expected = {
        verdict["event_id"]: verdict for verdict in whole.verdicts() if verdict["subject"] != POISON
    }
    # Logits are equal up to rounding, whatever rows they were reckoned with.
    for verdict in bisected.verdicts():
        first = expected.pop(verdict["event_id"])
        assert verdict["source"]["offset"] == first["source"]["offset"]
        assert (verdict["label"], verdict["subject"]) == (first["label"], first["subject"])
        assert texts(verdict) == texts(first)
        assert verdict["logit"] == pytest.approx(first["logit"], abs=1e-5)
    assert not expected


def test_a_page_that_the_network_fails_on_is_one_dead_letter(page_model: Path) -> None:
    artefact = load(page_model)
    bad = b"<p>a page of its own kind</p>"
    engine = failing.Engine(artefact, raising_on(artefact, [bad], RuntimeError("no such kernel")))
    world = World(partitions=1, detector="html")
    pages = [b"<p>page %d</p>" % number for number in range(9)]
    pages[4] = bad
    world.feed([orjson.dumps({"id": n, "html": page.decode()}) for n, page in enumerate(pages)])
    work(world, Judge(artefact, engine, EvidencePolicy()))
    assert [verdict["event_id"] for verdict in world.verdicts()] == [0, 1, 2, 3, 5, 6, 7, 8]
    assert details(world) == [(b"unscorable", b"score", b"RuntimeError: no such kernel")]


def test_a_text_that_the_featuriser_fails_on_is_one_dead_letter(artefact: Artefact) -> None:
    artefact = with_poisoned_featuriser(artefact)
    judge = Judge(artefact, artefact.engine("tables"), EvidencePolicy())
    world = World(partitions=1)
    world.feed([*distinct(10), b"{}", poison(), *distinct(20)[10:]])
    work(world, judge)
    assert sorted(verdict["event_id"] for verdict in world.verdicts()) == list(range(20))
    assert sorted(details(world)) == [
        (b"subject-missing", b"decode", b"`url` is missing"),
        (b"unscorable", b"score", b"ValueError: a subject of no known kind"),
    ]


def test_nobody_stops_a_worker_by_sending_nothing_but_what_it_cannot_judge(
    artefact: Artefact,
) -> None:
    world = World(partitions=1)
    judge = judge_raising(artefact, ValueError("no"))
    with running(world.log(), judge, settings()):
        world.feed([poison()])
        world.wait_all_committed()
        world.feed([poison()] * 9)
        world.wait_all_committed()
    assert world.causes() == [Cause.UNSCORABLE] * 10


@pytest.mark.parametrize("events", [1, 50])
@pytest.mark.parametrize("error", [ValueError("a bad driver"), MemoryError("no room")])
def test_an_engine_that_fails_on_golden_subjects_too_stops_the_worker(
    artefact: Artefact, events: int, error: Exception
) -> None:
    def broken(_features: Features) -> None:
        if started_working:
            raise error

    started_working = False
    judge = Judge(artefact, failing.Engine(artefact, broken), EvidencePolicy())
    started_working = True
    world = World(partitions=1)
    world.feed(distinct(events))
    started = start(world.log(), judge, settings())
    with pytest.raises(type(error), match=str(error)):
        started.join()
    assert world.committed().get(TopicPartition(world.input, 0), 0) == 0
    assert not world.records(world.dead)


def test_an_engine_that_breaks_while_the_guilty_are_sought_blames_nobody(
    artefact: Artefact,
) -> None:
    calls = 0

    def breaking(_features: Features) -> None:
        nonlocal calls
        calls += 1
        # The golden subjects pass once, after the batch failed, and nothing does ever after.
        if calls != 2:
            raise ValueError("the driver is gone")

    world = World(partitions=1)
    world.feed(distinct(8))
    judge = Judge(artefact, failing.Engine(artefact, breaking), EvidencePolicy())
    started = start(world.log(), judge, settings())
    with pytest.raises(ValueError, match="driver is gone"):
        started.join()
    assert not world.records(world.dead)


def test_a_featuriser_that_fails_on_everything_stops_the_worker(artefact: Artefact) -> None:
    artefact = with_poisoned_featuriser(artefact)
    broken = Judge(
        replace(artefact, golden=[(POISON, 0.0)]), artefact.engine("tables"), EvidencePolicy()
    )
    world = World(partitions=1)
    world.feed([poison()])
    started = start(world.log(), broken, settings())
    with pytest.raises(ValueError, match="no known kind"):
        started.join()
    assert not world.records(world.dead)


def test_a_network_that_gives_no_number_for_anything_stops_the_worker(artefact: Artefact) -> None:
    class NotANumber(failing.Engine):
        def logits(self, features: Features) -> NDArray[np.float32]:
            return super().logits(features) * np.float32(np.nan)

    world = World(partitions=1)
    world.feed(distinct(20))
    judge = Judge(artefact, NotANumber(artefact, lambda _: None), EvidencePolicy())
    started = start(world.log(), judge, settings())
    with pytest.raises(EngineError, match="logit nan for golden"):
        started.join()
    assert world.committed().get(TopicPartition(world.input, 0), 0) == 0
    assert not world.records(world.dead)


@pytest.mark.parametrize("explainer", [RaisingExplainer, NotANumberExplainer])
def test_a_verdict_that_cannot_be_explained_is_published_without_evidence(
    artefact: Artefact, judge: Judge, explainer: type[RaisingExplainer]
) -> None:
    odd = "http://paypal-login.example.tk/secure/aaa"
    assert len(odd) == explainer.LENGTH
    urls = [f"http://paypal-login.example.tk/secure/{n}" for n in range(8)]
    urls[3] = odd
    values = [orjson.dumps({"id": n, "url": url}) for n, url in enumerate(urls)]
    world, normal = World(partitions=1), World(partitions=1)
    world.feed(values)
    normal.feed(values)
    artefact = with_explainer(artefact, explainer)
    with structlog.testing.capture_logs() as logs:
        work(world, Judge(artefact, artefact.engine("tables"), EvidencePolicy()))
    work(normal, judge)
    for verdict, expected in zip(world.verdicts(), normal.verdicts(), strict=True):
        assert (verdict["label"], verdict["event_id"]) == (expected["label"], expected["event_id"])
        if verdict["subject"] == odd:
            assert expected["evidence"]
            assert verdict["evidence"] == []
        else:
            assert texts(verdict) == texts(expected)
    assert not world.records(world.dead)
    assert sum("have no evidence" in entry["event"] for entry in logs) == 1


class Small(failing.Engine):
    """A device with memory for so many rows, that remembers what it was given."""

    def __init__(self, artefact: Artefact, room: int) -> None:
        self.room = 1_000
        self.given: list[int] = []
        super().__init__(artefact, self._allocate)
        self.room = room
        self.given.clear()

    def _allocate(self, features: Features) -> None:
        self.given.append(len(features))
        if len(features) > self.room:
            raise MemoryError("no room for the batch")


def test_a_device_out_of_memory_gets_smaller_parts_then_and_later(artefact: Artefact) -> None:
    engine = Small(artefact, 60)
    judge = Judge(artefact, engine, EvidencePolicy())
    world = World(partitions=1)
    with structlog.testing.capture_logs() as logs, running(world.log(), judge, settings()):
        world.feed(distinct(400))
        world.wait_all_committed()
        tried = len(engine.given)
        world.feed(distinct(400))
        world.wait_all_committed()
    assert len(world.verdicts()) == 800
    assert not world.records(world.dead)
    assert max(engine.given) > 60
    assert max(engine.given[tried:]) <= 60
    assert sum("no memory for the batch" in entry["event"] for entry in logs) == 1


def test_a_text_that_does_not_fit_alone_is_one_dead_letter_and_cuts_no_later_batch(
    artefact: Artefact,
) -> None:
    given: list[int] = []
    large = raising_on(artefact, [POISON], MemoryError("48 GiB for one text"))

    def allocate(features: Features) -> None:
        given.append(len(features))
        large(features)

    judge = Judge(artefact, failing.Engine(artefact, allocate), EvidencePolicy())
    scorer = Scorer(judge)
    lines = distinct(64)
    lines[7] = poison()
    answers = [orjson.loads(answer) for answer in scorer.events(lines)]
    assert answers[7]["error"] == {
        "cause": "unscorable",
        "detail": "MemoryError: 48 GiB for one text",
        "line": 8,
    }
    assert ["error" in answer for answer in answers].count(True) == 1
    given.clear()
    scorer.events(distinct(64))
    assert given == [64]


def test_a_line_that_the_model_fails_on_has_its_error_in_its_place(artefact: Artefact) -> None:
    for judge in (
        judge_raising(artefact, KeyError("no such row")),
        Judge(
            poisoned := with_poisoned_featuriser(artefact),
            poisoned.engine("tables"),
            EvidencePolicy(),
        ),
    ):
        scorer = Scorer(judge)
        lines = [b"http://a.example/", POISON.encode(), b"", b"http://b.example/"]
        answers = [orjson.loads(answer) for answer in scorer.texts(lines)]
        assert [answer.get("subject") for answer in answers] == [
            "http://a.example/",
            None,
            None,
            "http://b.example/",
        ]
        causes = Counter(answer["error"]["cause"] for answer in answers if "error" in answer)
        assert causes == {"unscorable": 1, "empty": 1}
        assert answers[1]["error"]["line"] == 2
        assert (scorer.scored, scorer.refused) == (4, 2)
