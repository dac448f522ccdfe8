from __future__ import annotations

import sys
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import structlog

from models.engines.contract import EngineDescription
from schemas.causes import Cause, Stage
from tests.workers.metrics.scraping import Scrape
from workers.log.contract import TopicPartition
from workers.metrics.gpu import gpu_memory
from workers.metrics.meters import Discard, Meters, Step
from workers.tally import Counts, Tally

ENGINE = EngineDescription(engine="tables", device="cpu", library="numpy 2.3")
PARTITIONS = [TopicPartition("telemetry.urls", number) for number in range(4)]


def test_a_batch_is_counted_where_it_belongs() -> None:
    meters = Meters("url")

    meters.polled(10, 4_321)
    meters.gathered(10, 0.02)
    meters.judged(np.array([0, 0, 0, 1, 2, 2], np.int8), np.array([0, 0, 0.01, 0.3, 0.9, 1]))
    meters.refused(Stage.DECODE, Counter([Cause.NOT_JSON, Cause.NOT_JSON, Cause.EMPTY]))
    meters.refused(Stage.SCORE, Counter([Cause.NOT_FINITE]))
    meters.discarded(Discard.UNPUBLISHED, 3)
    meters.acknowledged(verdicts=3)
    meters.acknowledged(dead=4)
    scraped = Scrape.of(meters)

    assert scraped.value("weir_events_total", detector="url") == 10
    assert scraped.value("weir_event_bytes_total") == 4_321
    assert scraped.value("weir_batch_events_sum") == 10
    assert scraped.value("weir_batch_delay_seconds_count") == 1
    assert scraped.counts("weir_verdicts_total", "detector", "label") == {
        ("url", "benign"): 3,
        ("url", "suspicious"): 1,
        ("url", "malicious"): 2,
    }
    assert scraped.counts("weir_dead_letters_total", "stage", "cause") == {
        ("decode", "not-json"): 2,
        ("decode", "empty"): 1,
        ("score", "not-finite"): 1,
    }
    assert scraped.counts("weir_discards_total", "reason") == {("unpublished",): 3}
    assert scraped.value("weir_verdicts_published_total") == 3
    assert scraped.value("weir_dead_letters_published_total") == 4
    assert scraped.value("weir_verdict_score_bucket", le="0.01") == 3
    assert scraped.value("weir_verdict_score_bucket", le="+Inf") == 6
    assert Tally(meters.series).counts() == Counts(
        events=10,
        verdicts=3,
        unpublished=3,
        dead=4,
        labels={"benign": 3, "suspicious": 1, "malicious": 2},
        causes={"not-json": 2, "empty": 1, "not-finite": 1},
    )


def test_counters_of_known_labels_begin_at_zero() -> None:
    scraped = Scrape.of(Meters("html"))
    assert scraped.by("weir_verdicts_total", "label") == {
        ("benign",): [0],
        ("suspicious",): [0],
        ("malicious",): [0],
    }
    assert scraped.value("weir_rebalances_total", event="lost") == 0
    assert scraped.value("weir_step_duration_seconds_count", step="publish") == 0
    assert Tally(Meters("html").series).counts().labels == {}


def test_steps_take_what_the_clock_says() -> None:
    now = [5.0]
    meters = Meters("url", clock=lambda: now[0])

    with meters.timed(Step.COMMIT):
        now[0] = 7.5

    assert Scrape.of(meters).value("weir_step_duration_seconds_sum", step="commit") == 2.5


def test_a_step_that_fails_takes_no_time() -> None:
    meters = Meters("url")
    with pytest.raises(OSError, match="away"), meters.timed(Step.COMMIT):
        raise OSError("away")
    assert Scrape.of(meters).value("weir_step_duration_seconds_count", step="commit") == 0


def test_partitions_come_and_go() -> None:
    meters = Meters("url")
    meters.assigned(PARTITIONS)
    meters.revoked(PARTITIONS[:1])
    meters.lost(PARTITIONS[1:2])
    meters.assigned([])
    scraped = Scrape.of(meters)
    assert scraped.value("weir_assigned_partitions") == 2
    assert scraped.counts("weir_rebalances_total", "event") == {
        ("assigned",): 2,
        ("revoked",): 1,
        ("lost",): 1,
    }


def test_the_breaker_is_counted_when_it_opens_and_not_while_it_stays_open() -> None:
    meters = Meters("url")
    told = []
    one, two, *_ = PARTITIONS
    for broken in ([], [one], [one], [one, two], [two], [], [one]):
        meters.breaker(broken)
        told.append(Scrape.of(meters).value("weir_breaker_open_partitions"))
    assert told == [0, 1, 1, 2, 1, 0, 1]
    assert Scrape.of(meters).value("weir_breaker_openings_total") == 3


def test_gauges_are_those_of_the_moment_of_the_scrape() -> None:
    meters = Meters("url")
    depths = {"prepare": 1, "score": 0}
    in_hand = [7]
    meters.queues(lambda: depths)
    meters.in_hand(lambda: in_hand[0])
    meters.held(1)
    meters.behind({PARTITIONS[2]: 12}, 3.5)
    first = Scrape.of(meters)
    depths["score"], in_hand[0] = 1, 3
    meters.behind({PARTITIONS[1]: 2}, 0)
    second = Scrape.of(meters)
    assert first.by("weir_queue_batches", "queue") == {("prepare",): [1], ("score",): [0]}
    assert second.value("weir_queue_batches", queue="score") == 1
    assert (first.value("weir_in_hand_events"), second.value("weir_in_hand_events")) == (7, 3)
    assert first.value("weir_held_partitions") == 1
    assert first.by("weir_lag_events", "partition") == {("2",): [12]}
    assert second.by("weir_lag_events", "partition") == {("1",): [2]}
    assert first.value("weir_oldest_event_age_seconds") == 3.5


def test_the_model_is_told_with_its_digest() -> None:
    meters = Meters("url")
    meters.model("url", "2", "d085", ENGINE)
    labels = {
        "name": "url",
        "version": "2",
        "digest": "d085",
        "engine": "tables",
        "device": "cpu",
        "library": "numpy 2.3",
    }
    assert Scrape.of(meters).value("weir_model_info", **labels) == 1


def test_memory_of_the_process_is_told_and_that_of_a_gpu_only_where_there_is_one() -> None:
    meters = Meters("url")
    before = Scrape.of(meters)
    meters.gpu(lambda: (123, 456))
    after = Scrape.of(meters)
    assert before.value("process_resident_memory_bytes") > 1_000_000
    assert "weir_gpu_memory_bytes" not in before.families
    assert after.value("weir_gpu_memory_bytes") == 123
    assert after.value("weir_gpu_memory_peak_bytes") == 456


def test_a_gauge_that_cannot_be_read_costs_itself_alone() -> None:
    def fails() -> tuple[int, int]:
        raise RuntimeError("no such device")

    meters = Meters("url")
    meters.gpu(fails)
    meters.in_hand(lambda: 3)
    with structlog.testing.capture_logs() as logs:
        scraped = Scrape.of(meters)
    assert scraped.value("weir_in_hand_events") == 3
    assert "weir_gpu_memory_bytes" not in scraped.families
    assert {entry["error"] for entry in logs} == {"no such device"}


def test_tensorflow_is_asked_for_the_memory_of_its_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    # A stand-in: it knows the call, and no GPU is needed to see that we make it.
    asked = []

    def get_memory_info(device: str) -> dict[str, int]:
        asked.append(device)
        return {"current": 123, "peak": 456}

    experimental = SimpleNamespace(get_memory_info=get_memory_info)
    stand_in = SimpleNamespace(config=SimpleNamespace(experimental=experimental))
    monkeypatch.setitem(sys.modules, "tensorflow", stand_in)
    memory = gpu_memory(
        EngineDescription(engine="keras", device="gpu", library="keras 3.12 on tensorflow")
    )
    assert memory is not None
    assert memory() == (123, 456)
    assert asked == ["GPU:0"]


@pytest.mark.parametrize(
    ("stats", "expected"),
    [({"bytes_in_use": 12, "peak_bytes_in_use": 34, "bytes_limit": 56}, (12, 34)), (None, None)],
)
def test_jax_is_asked_for_the_memory_of_its_gpu_if_it_tells(
    monkeypatch: pytest.MonkeyPatch,
    stats: dict[str, int] | None,
    expected: tuple[int, int] | None,
) -> None:
    # A stand-in, as above.
    gpu = SimpleNamespace(memory_stats=lambda: stats)
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(devices=lambda: [gpu]))
    memory = gpu_memory(EngineDescription(engine="keras", device="gpu", library="keras on jax"))
    assert (memory and memory()) == expected


@pytest.mark.parametrize(
    "engine",
    [
        ENGINE,
        EngineDescription(engine="keras", device="cpu", library="keras 3.12 on tensorflow"),
        EngineDescription(engine="keras", device="cpu", library="keras 3.12 on jax"),
    ],
    ids=lambda engine: f"{engine.engine} on {engine.device}, {engine.library}",
)
def test_memory_of_a_gpu_is_known_on_one_alone(engine: EngineDescription) -> None:
    assert gpu_memory(engine) is None
