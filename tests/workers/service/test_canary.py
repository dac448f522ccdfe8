"""A share of keys goes to the candidate: always the same keys, and nobody pays if it fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import hypothesis
import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.artefact import Artefact
from models.features import Features
from schemas.causes import Cause
from tests.workers import failing
from tests.workers.failing import POISON, raising_on, with_poisoned_featuriser
from tests.workers.metrics.scraping import Scrape
from tests.workers.running import World, running, settings, start
from tests.workers.service.shelf import judge_of, shifted
from tests.workers.telemetry import BAD, distinct
from workers.judge import Judge
from workers.metrics.meters import Meters
from workers.metrics.service import ServiceMeters
from workers.service.bench import Bench
from workers.service.canary import Canary
from workers.settings.policies import EvidencePolicy

KEYS = [b"host-%d" % number for number in range(20_000)]


@pytest.fixture(scope="module")
def candidate(artefact: Artefact) -> Artefact:
    return shifted(artefact, 0.25)


@pytest.fixture(scope="module")
def other(artefact: Artefact) -> Judge:
    return judge_of(shifted(artefact, 0.25))


def feed(world: World, values: Sequence[bytes | None], keys: Sequence[bytes | None]) -> None:
    for number, (key, value) in enumerate(zip(keys, values, strict=True)):
        world.broker.append(world.input, value, key=key, partition=number % world.partitions)


def drawn(judge: Judge, share: float, keys: Sequence[bytes]) -> set[bytes]:
    chosen = Canary(judge=judge, share=share).draws(keys)
    return {key for key, is_drawn in zip(keys, chosen.tolist(), strict=True) if is_drawn}


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.9])
def test_the_share_of_keys_is_the_one_that_was_asked_for(other: Judge, share: float) -> None:
    n = len(KEYS)
    # Five standard deviations of a binomial.
    assert abs(len(drawn(other, share, KEYS)) - share * n) < 5 * np.sqrt(n * share * (1 - share))


@hypothesis.settings(deadline=None)
@given(st.lists(st.binary(max_size=40)), st.integers(0, 40))
def test_a_key_is_drawn_or_not_whatever_comes_with_it(
    other: Judge, keys: list[bytes], cut: int
) -> None:
    canary = Canary(judge=other, share=0.5)
    together = canary.draws(keys)
    apart = np.concatenate([canary.draws(keys[:cut]), canary.draws(keys[cut:])])
    assert together.tolist() == apart.tolist()
    assert set(drawn(other, 0.1, keys)) <= set(drawn(other, 0.3, keys))


def test_another_candidate_draws_other_keys(judge: Judge, other: Judge) -> None:
    ours, theirs = drawn(judge, 0.05, KEYS), drawn(other, 0.05, KEYS)
    assert len(ours & theirs) < len(ours) / 5


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_every_key_has_one_model_and_every_event_one_verdict(
    judge: Judge, other: Judge, delivery: str
) -> None:
    world = World()
    values = [*distinct(600), *BAD]
    keys = [b"host-%d" % (number % 150) for number in range(len(values))]
    feed(world, values, keys)
    bench = Bench(judge)
    bench.try_out(Canary(judge=other, share=0.3))
    with running(world.log(), bench, settings(max_batch="64", delivery=delivery)):
        world.wait_all_committed()
    assert sorted(verdict["event_id"] for verdict in world.verdicts()) == list(range(600))
    assert len(world.causes()) == len(BAD)
    of_key: dict[bytes, set[str]] = {}
    for record in world.records("alerts"):
        digest = orjson.loads(record.value or b"")["model"]["digest"]
        of_key.setdefault(record.key or b"", set()).add(digest)
    chosen = drawn(other, 0.3, sorted(of_key))
    assert chosen
    assert of_key == {
        key: {other.model.digest if key in chosen else judge.model.digest} for key in of_key
    }


def test_events_without_a_key_are_drawn_by_their_subjects(judge: Judge, other: Judge) -> None:
    world = World()
    # The same URLs in both partitions.
    values = [value for value in distinct(100) for _ in range(2)]
    world.feed(values)
    bench = Bench(judge)
    bench.try_out(Canary(judge=other, share=0.5))
    with running(world.log(), bench, settings(max_batch="32")):
        world.wait_all_committed()
    models: dict[str, set[str]] = {}
    for verdict in world.verdicts():
        models.setdefault(verdict["subject"], set()).add(verdict["model"]["digest"])
    assert {len(named) for named in models.values()} == {1}
    assert set().union(*models.values()) == {judge.model.digest, other.model.digest}


def _always(error: Exception) -> Callable[[Features], None]:
    def before(_: Features) -> None:
        raise error

    return before


class _Nothing(failing.Engine):
    """Gives no number for anything."""

    def logits(self, features: Features) -> NDArray[np.float32]:
        return np.full(len(features), np.nan, np.float32)


@pytest.mark.parametrize(
    "make",
    [
        lambda model: failing.Engine(model, _always(RuntimeError("no such kernel"))),
        lambda model: failing.Engine(model, _always(MemoryError("too much"))),
        lambda model: _Nothing(model, lambda _: None),
    ],
    ids=["raises", "has no memory", "gives no number"],
)
def test_a_candidate_that_breaks_is_switched_off_and_its_keys_are_judged(
    artefact: Artefact, judge: Judge, make: Callable[[Artefact], failing.Engine]
) -> None:
    world = World()
    world.feed(distinct(300))
    broken = shifted(artefact, 0.0)
    meters = Meters("url")
    bench = Bench(judge, ServiceMeters(meters.series))
    bench.try_out(Canary(judge=Judge(broken, make(broken), EvidencePolicy()), share=0.5))
    with running(world.log(), bench, settings(max_batch="50")):
        world.wait_all_committed()
    assert sorted(verdict["event_id"] for verdict in world.verdicts()) == list(range(300))
    assert {verdict["model"]["digest"] for verdict in world.verdicts()} == {judge.model.digest}
    assert not world.causes()
    assert bench.canary is None
    scrape = Scrape.of(meters)
    assert scrape.total("weir_canary_failures_total") >= 1
    assert not scrape.by("weir_candidate_info", "role")


def test_one_record_that_only_the_candidate_fails_on_has_its_verdict(
    artefact: Artefact, judge: Judge, candidate: Artefact
) -> None:
    world = World(partitions=1)
    values = distinct(100)
    values[40] = orjson.dumps({"id": 40, "url": POISON})
    world.feed(values)
    bench = Bench(judge)
    engine = failing.Engine(artefact, raising_on(artefact, [POISON], ValueError("no")))
    bench.try_out(Canary(judge=Judge(candidate, engine, EvidencePolicy()), share=0.999_999))
    # The engine's own logits are those of the golden subjects.
    with running(world.log(), bench, settings(max_batch="100", max_delay_ms="100")):
        world.wait_all_committed()
    assert sorted(verdict["event_id"] for verdict in world.verdicts()) == list(range(100))
    assert not world.causes()
    assert bench.canary is None


def test_what_its_featuriser_fails_on_is_judged_by_the_model_in_service(
    judge: Judge, candidate: Artefact
) -> None:
    world = World(partitions=1)
    values = distinct(50)
    values[10] = orjson.dumps({"id": 10, "url": POISON})
    world.feed(values)
    bench = Bench(judge)
    bench.try_out(Canary(judge=judge_of(with_poisoned_featuriser(candidate)), share=0.999_999))
    with running(world.log(), bench, settings(max_delay_ms="100")):
        world.wait_all_committed()
    assert sorted(verdict["event_id"] for verdict in world.verdicts()) == list(range(50))
    assert bench.canary is None


def test_a_record_that_neither_can_judge_is_a_dead_letter_and_the_canary_stays(
    artefact: Artefact, candidate: Artefact
) -> None:
    def poisoned(model: Artefact) -> Judge:
        engine = failing.Engine(model, raising_on(artefact, [POISON], ValueError("no")))
        return Judge(model, engine, EvidencePolicy())

    world = World(partitions=1)
    values = distinct(60)
    values[7] = orjson.dumps({"id": 7, "url": POISON})
    world.feed(values)
    bench = Bench(poisoned(artefact))
    tried = poisoned(shifted(artefact, 0.0))
    bench.try_out(Canary(judge=tried, share=0.999_999))
    with running(world.log(), bench, settings(max_batch="20")):
        world.wait_all_committed()
    assert world.causes() == [Cause.UNSCORABLE]
    models = Counter(verdict["model"]["digest"] for verdict in world.verdicts())
    # The batch of the record was judged by the model in service.
    assert models.total() == 59
    assert models[tried.model.digest] >= 35
    assert bench.canary is not None


def test_a_broken_model_in_service_stops_the_worker_whatever_the_canary(
    artefact: Artefact, other: Judge
) -> None:
    world = World(partitions=1)
    world.feed(distinct(50))
    broken = failing.Engine(artefact, _always(RuntimeError("no such kernel")))
    bench = Bench(Judge(artefact, broken, EvidencePolicy()))
    bench.try_out(Canary(judge=other, share=0.5))
    started = start(world.log(), bench, settings())
    with pytest.raises(RuntimeError, match="no such kernel"):
        started.join()
