from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.artefact import GOLDEN_TOLERANCE
from models.training.metrics import (
    area_interval,
    area_under_roc,
    figures,
    threshold_at,
    wilson_interval,
)
from models.training.thresholds import MALICIOUS_RATE, SUSPICIOUS_RATE, Benign, choose

# Few values, so that ties are common.
TIED = st.integers(-5, 5).map(float)
LOGIT = st.one_of(TIED, st.floats(-40, 40, width=32))
LOGITS = st.lists(LOGIT, min_size=1, max_size=60).map(lambda logits: np.array(logits, np.float32))
RATE = st.floats(0, 1)


@given(LOGITS, LOGITS)
@settings(deadline=None)
def test_the_area_is_the_chance_of_the_right_order(
    benign: NDArray[np.float32], malicious: NDArray[np.float32]
) -> None:
    labels = np.array([0] * len(benign) + [1] * len(malicious), np.int8)
    right = sum(
        1.0 if high > low else 0.5 if high == low else 0.0
        for low, high in product(benign.tolist(), malicious.tolist())
    )
    area = area_under_roc(np.concatenate([benign, malicious]), labels)
    assert area == pytest.approx(right / (len(benign) * len(malicious)))


@pytest.mark.parametrize("label", [0, 1], ids=["benign alone", "malicious alone"])
def test_one_label_has_no_area(label: int) -> None:
    given_ = np.zeros(3, np.float32)
    assert math.isnan(area_under_roc(given_, np.full(3, label, np.int8)))


@given(LOGITS, RATE)
@settings(deadline=None)
def test_no_more_than_the_rate_reach_the_threshold(
    benign: NDArray[np.float32], rate: float
) -> None:
    reached = np.count_nonzero(benign >= threshold_at(benign, rate))
    assert reached <= rate * len(benign)


@given(LOGITS, RATE)
@settings(deadline=None)
def test_any_lower_logit_as_threshold_would_flag_too_many(
    benign: NDArray[np.float32], rate: float
) -> None:
    threshold = threshold_at(benign, rate)
    lower = benign[benign < threshold]
    assume(len(lower))
    assert np.count_nonzero(benign >= lower.max()) > rate * len(benign)


@given(LOGITS, RATE)
@settings(deadline=None)
def test_a_threshold_is_a_float32(benign: NDArray[np.float32], rate: float) -> None:
    threshold = threshold_at(benign, rate)
    assert float(np.float32(threshold)) == threshold


@given(LOGITS, LOGITS)
@settings(deadline=None)
def test_figures_detect_what_reaches_the_threshold_of_the_benign_rows(
    benign: NDArray[np.float32], malicious: NDArray[np.float32]
) -> None:
    labels = np.array([1] * len(malicious) + [0] * len(benign), np.int8)
    measured = figures(np.concatenate([malicious, benign]), labels)
    assert (measured.benign, measured.malicious) == (len(benign), len(malicious))
    # With fewer than a hundred benign rows none may be flagged, at any of the rates.
    expected = np.mean(malicious > benign.max())
    assert all(share == pytest.approx(expected) for share in measured.detection.values())


def test_figures_of_one_label_are_not_numbers() -> None:
    measured = figures(np.zeros(2, np.float32), np.zeros(2, np.int8))
    assert math.isnan(measured.area)
    assert all(math.isnan(share) for share in measured.detection.values())


@given(LOGITS, LOGITS)
@settings(deadline=None)
def test_the_interval_of_the_area_holds_it(
    benign: NDArray[np.float32], malicious: NDArray[np.float32]
) -> None:
    labels = np.array([0] * len(benign) + [1] * len(malicious), np.int8)
    logits = np.concatenate([benign, malicious])
    found = area_interval(logits, labels)
    assert found is not None
    low, high = found
    assert 0 <= low <= area_under_roc(logits, labels) + 1e-9
    assert area_under_roc(logits, labels) - 1e-9 <= high <= 1


def test_the_interval_of_the_area_covers_the_truth_in_19_of_20_samples() -> None:
    # Of normal numbers one deviation apart.
    truth = 0.5 * (1 + math.erf(1 / 2))
    labels = np.array([0] * 300 + [1] * 60, np.int8)
    covered = 0
    for seed in range(400):
        logits = np.random.default_rng(seed).normal(labels, 1).astype(np.float32)
        found = area_interval(logits, labels)
        assert found is not None
        covered += found[0] <= truth <= found[1]
    assert 366 <= covered <= 394


@pytest.mark.parametrize("label", [0, 1], ids=["benign alone", "malicious alone"])
def test_one_label_has_no_interval_of_its_area(label: int) -> None:
    assert area_interval(np.zeros(3, np.float32), np.full(3, label, np.int8)) is None


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
    ids=str,
)
def test_wilson_s_interval_is_as_published(count: int, of: int, low: float, high: float) -> None:
    assert wilson_interval(count, of) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
@settings(deadline=None)
def test_wilson_s_interval_holds_the_share(row: tuple[int, int]) -> None:
    count, of = row
    low, high = wilson_interval(count, of)
    assert 0 <= low <= count / of + 1e-12
    assert count / of - 1e-12 <= high <= 1


@given(
    logits=st.lists(LOGIT, min_size=1, max_size=1500).map(lambda x: np.array(x, np.float32)),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_thresholds_hold_their_rate_on_every_engine_that_passes_the_golden_texts(
    logits: NDArray[np.float32], seed: int
) -> None:
    thresholds = choose({"all": Benign(logits=logits)}).thresholds
    apart = np.random.default_rng(seed).uniform(-1, 1, len(logits)) * GOLDEN_TOLERANCE
    for engine in (logits, logits + apart, logits + GOLDEN_TOLERANCE * 0.99):
        for threshold, rate in (
            (thresholds.malicious, MALICIOUS_RATE),
            (thresholds.suspicious, SUSPICIOUS_RATE),
        ):
            assert threshold.false_positive_rate == rate
            assert np.mean(engine >= threshold.logit) <= rate
    assert thresholds.suspicious.logit <= thresholds.malicious.logit
