from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.engines.contract import EngineDescription
from models.errors import LogitError
from models.features import Features
from models.thresholds import Threshold, Thresholds
from models.training.evaluation import MOST_SOURCES, Evaluation, evaluate, score, worst
from models.training.report import comparable, slices
from models.training.slices import Slice
from models.url.featuriser import UrlFeaturiser

THRESHOLDS = Thresholds(
    suspicious=Threshold(logit=0.0, false_positive_rate=0.01),
    malicious=Threshold(logit=2.0, false_positive_rate=0.001),
)
SOURCES = ["telemetry:proxy", "telemetry:mail", "synthetic:ip", "links:a", "links:b", "feed", ""]
ROWS = st.lists(st.tuples(st.integers(-4, 4), st.booleans(), st.sampled_from(SOURCES)), max_size=80)


def evaluated(rows: list[tuple[int, bool, str]]) -> Evaluation:
    return evaluate(
        np.array([logit for logit, _, _ in rows], np.float32),
        np.array([label for _, label, _ in rows], np.int8),
        [source for _, _, source in rows],
        THRESHOLDS,
    )


@given(ROWS)
@settings(deadline=None)
def test_counts_at_the_published_thresholds_are_counts(rows: list[tuple[int, bool, str]]) -> None:
    everything = evaluated(rows).everything
    for outcome in (everything.at_suspicious, everything.at_malicious):
        reached = [label for logit, label, _ in rows if logit >= outcome.threshold.logit]
        assert outcome.detected.count == sum(reached)
        assert outcome.false_positives.count == len(reached) - sum(reached)
        assert outcome.detected.of == everything.malicious == sum(label for _, label, _ in rows)
        assert outcome.false_positives.of == everything.benign


@given(ROWS)
@settings(deadline=None)
def test_kinds_and_sources_each_split_all_rows(rows: list[tuple[int, bool, str]]) -> None:
    evaluation = evaluated(rows)
    for parts in (evaluation.kinds, evaluation.sources):
        if parts:
            assert sum(part.benign for part in parts) == evaluation.everything.benign
            assert sum(part.malicious for part in parts) == evaluation.everything.malicious
            assert len({part.name for part in parts}) == len(parts) > 1


@given(ROWS)
@settings(deadline=None)
def test_figures_are_json_whatever_rows_there_are(rows: list[tuple[int, bool, str]]) -> None:
    json.dumps(evaluated(rows).as_json(), allow_nan=False)


def test_telemetry_and_synthetic_rows_stand_apart_from_all_others() -> None:
    evaluation = evaluated([(0, False, source) for source in SOURCES] + [(1, True, "feed")])
    assert {part.name: part.benign for part in evaluation.kinds} == {
        "collected": 4,
        "telemetry": 2,
        "synthetic": 1,
    }
    assert {part.name: part.benign for part in evaluation.sources} == {
        "telemetry": 2,
        "synthetic": 1,
        "links": 2,
        "feed": 1,
        "unnamed": 1,
    }


def test_rows_of_one_label_have_rates_but_no_area() -> None:
    evaluation = evaluated([(3, False, "telemetry:a"), (1, False, "telemetry:a"), (1, True, "f")])
    (telemetry,) = (part for part in evaluation.kinds if part.name == "telemetry")
    assert telemetry.area is None
    assert telemetry.detection == {}
    assert telemetry.at_malicious.false_positives.share == 0.5
    assert telemetry.at_malicious.detected.share is None
    assert telemetry.at_malicious.detected.interval is None


def test_one_source_alone_is_not_said_twice() -> None:
    evaluation = evaluated([(0, False, "feed:a"), (1, True, "feed:b")])
    assert evaluation.kinds == evaluation.sources == ()
    assert slices(evaluation) == comparable(evaluation) == [evaluation.everything]


def further(name: str, parts: tuple[Slice, ...]) -> Slice:
    (found,) = (part for part in parts if part.name == name)
    return found


def test_each_feed_stands_by_itself_against_all_benign_rows() -> None:
    evaluation = evaluated(
        [(0, False, "links:a"), (1, False, "telemetry:b"), (3, True, "feed:a"), (0, True, "feed:b")]
    )
    assert {part.name for part in evaluation.feeds} == {"feed:a", "feed:b"}
    first, second = (further(f"feed:{name}", evaluation.feeds) for name in "ab")
    assert (first.benign, first.malicious, first.area) == (2, 1, 1.0)
    assert (second.benign, second.malicious, second.area) == (2, 1, 0.25)


def test_further_columns_dates_and_lower_case_set_rows_apart() -> None:
    logits = np.array([0, 1, 3, 4], np.float32)
    evaluation = evaluate(
        logits,
        np.array([0, 0, 1, 1], np.int8),
        ["links:a", "telemetry:b", "feed", "feed"],
        THRESHOLDS,
        columns={"kind": ["file", "registry", "file", "registry"], "all": ["one"] * 4},
        lower_cased=logits - np.float32(2),
        dates=["", "", "2025-12-31", "2026-01-01"],
    )
    assert [part.name for part in evaluation.columns] == ["kind: file", "kind: registry"]
    assert [(part.benign, part.malicious) for part in evaluation.columns] == [(1, 1), (1, 1)]
    assert [(part.name, part.benign, part.malicious) for part in evaluation.years] == [
        ("2025", 2, 1),
        ("2026", 2, 1),
    ]
    assert {part.name for part in evaluation.lower_cased} == {
        "all, lower-cased",
        "collected, lower-cased",
        "telemetry, lower-cased",
    }
    lowered = further("all, lower-cased", evaluation.lower_cased)
    assert evaluation.everything.at_malicious.detected.count == 2
    assert lowered.at_malicious.detected.count == 1
    json.dumps(evaluation.as_json(), allow_nan=False)


def test_of_many_sources_the_largest_are_given() -> None:
    rows = [(0, False, f"source{number}") for number in range(100)]
    evaluation = evaluated([*rows, *rows[-MOST_SOURCES:]])
    assert len(evaluation.sources) == MOST_SOURCES
    assert all(part.benign == 2 for part in evaluation.sources)


def test_the_worst_are_the_highest_benign_and_the_lowest_malicious_rows() -> None:
    logits = np.array([5, -1, 3, -7, 2, 9], np.float32)
    labels = np.array([0, 0, 0, 1, 1, 1], np.int8)
    benign, malicious = worst(logits, labels, 2)
    assert benign.tolist() == [0, 2]
    assert malicious.tolist() == [3, 4]
    assert [len(rows) for rows in worst(logits, labels, 9)] == [3, 3]
    assert [len(rows) for rows in worst(logits, labels, 0)] == [0, 0]


class Lengths:
    """An engine whose logits are the lengths of the texts, or what it is told."""

    def __init__(self, told: float | None = None) -> None:
        self.told = told
        self.warmed = 0

    def warm(self, rows: int) -> None:
        self.warmed = rows

    def logits(self, features: Features) -> NDArray[np.float32]:
        assert len(features) <= self.warmed
        logits = features.lengths.astype(np.float32)
        if self.told is not None:
            logits[1:] = self.told
        return logits

    def describe(self) -> EngineDescription:
        return EngineDescription(engine="lengths", device="cpu", library="")


@pytest.mark.parametrize("rows", [0, 1, 1024, 1025])
def test_texts_are_scored_in_order_and_progress_is_told(rows: int) -> None:
    random = np.random.default_rng(rows)
    texts = ["a" * int(length) for length in random.integers(0, 99, rows)]
    told: list[int] = []
    logits = score(Lengths(), UrlFeaturiser(width=40), texts, told.append)
    assert logits.tolist() == [len(text) for text in texts]
    assert told[-1:] == ([rows] if rows else [])


@pytest.mark.parametrize("logit", [np.nan, np.inf], ids=str)
def test_a_logit_that_is_no_number_is_an_error(logit: float) -> None:
    with pytest.raises(LogitError, match=f"{logit} for row 1"):
        score(Lengths(logit), UrlFeaturiser(width=9), ["a", "b"])
