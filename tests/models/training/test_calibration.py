from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.calibration import Calibration, log_odds, sigmoid
from models.errors import DataError
from models.training.calibration import FIELD_PRIOR, SMALLEST_SCALE, fit_calibration, reliability

ROWS = st.lists(
    st.tuples(st.floats(-30, 30, width=32), st.booleans()), min_size=1, max_size=80
).filter(lambda rows: len({label for _, label in rows}) > 1)


def columns(rows: list[tuple[float, bool]]) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    return (
        np.array([logit for logit, _ in rows], np.float32),
        np.array([label for _, label in rows], np.int8),
    )


def drawn(
    scale: float, offset: float, rows: int = 200_000
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Rows whose labels come about with the chance that scale and offset say."""
    random = np.random.default_rng(7)
    logits = random.normal(0, 3, rows).astype(np.float32)
    chances = sigmoid(scale * logits.astype(np.float64) + offset)
    return logits, (random.random(rows) < chances).astype(np.int8)


@given(rows=ROWS, prior=st.floats(1e-4, 1 - 1e-4))
@settings(deadline=None)
def test_scores_are_strictly_monotone_whatever_the_rows(
    rows: list[tuple[float, bool]], prior: float
) -> None:
    calibration = fit_calibration(*columns(rows), prior)
    assert calibration.scale >= SMALLEST_SCALE
    assert calibration.prior == prior
    logits = np.array([-1.0, -0.5, 0.0, 0.5, 1.0]) / calibration.scale
    assert np.all(np.diff(calibration.scores(logits - calibration.offset / calibration.scale)) > 0)


@pytest.mark.parametrize("prior", [0.5, 0.01, 1e-4], ids=str)
def test_the_scale_and_offset_that_made_the_labels_are_found(prior: float) -> None:
    logits, labels = drawn(0.6, -1.0)
    calibration = fit_calibration(logits, labels, prior)
    own = float(labels.mean())
    assert calibration.scale == pytest.approx(0.6, rel=0.05)
    assert calibration.rebased(own).offset == pytest.approx(-1.0, abs=0.1)


@given(rows=ROWS, prior=st.floats(1e-3, 0.999))
@settings(deadline=None)
def test_no_other_scale_and_offset_fit_better(rows: list[tuple[float, bool]], prior: float) -> None:
    logits, labels = columns(rows)
    calibration = fit_calibration(logits, labels, prior)
    positives, negatives = int(labels.sum()), int((labels == 0).sum())
    weights = np.where(labels != 0, prior / positives, (1 - prior) / negatives)
    targets = np.where(
        labels != 0, 1 - 2 * (1 - prior) / (positives + 2), 2 * prior / (negatives + 2)
    )

    def loss(scale: float, offset: float) -> float:
        values = scale * logits.astype(np.float64) + offset
        return float(weights @ (np.logaddexp(0, values) - targets * values))

    least = loss(calibration.scale, calibration.offset)
    for scale, offset in ((1.05, 0.0), (0.95, 0.0), (1.0, 0.05), (1.0, -0.05)):
        worse = max(SMALLEST_SCALE, calibration.scale * scale)
        assert least <= loss(worse, calibration.offset + offset) + 1e-7


def test_logits_that_tell_nothing_score_as_the_prior_says() -> None:
    labels = np.array([0, 1] * 5000, np.int8)
    for logits in (np.zeros(10_000, np.float32), np.full(10_000, 3, np.float32)):
        calibration = fit_calibration(logits, labels)
        assert calibration.scores(logits)[0] == pytest.approx(FIELD_PRIOR, rel=0.05)


def test_logits_the_wrong_way_round_are_flattened_and_not_turned() -> None:
    logits, labels = drawn(1.0, 0.0, 5000)
    assert fit_calibration(-logits, labels).scale == SMALLEST_SCALE


@pytest.mark.parametrize("label", [0, 1], ids=["benign alone", "malicious alone"])
def test_one_label_alone_is_refused(label: int) -> None:
    logits, labels = np.zeros(4, np.float32), np.full(4, label, np.int8)
    with pytest.raises(DataError, match="both labels"):
        fit_calibration(logits, labels)
    with pytest.raises(DataError, match="both labels"):
        reliability(logits, labels, Calibration())


@given(rows=ROWS, bins=st.integers(1, 20), prior=st.floats(1e-4, 0.9))
@settings(deadline=None)
def test_every_row_is_in_one_bin_and_equal_scores_share_it(
    rows: list[tuple[float, bool]], bins: int, prior: float
) -> None:
    logits, labels = columns(rows)
    found = reliability(logits, labels, Calibration(prior=prior), bins)
    assert len(found.bins) <= bins
    assert sum(each.benign for each in found.bins) == int((labels == 0).sum())
    assert sum(each.malicious for each in found.bins) == int(labels.sum())
    assert sum(each.mass for each in found.bins) == pytest.approx(1)
    assert sum(each.mass * each.share for each in found.bins) == pytest.approx(prior)
    scores = [each.score for each in found.bins]
    assert scores == sorted(scores)
    for each in found.bins:
        low, high = each.interval
        assert low - 1e-9 <= each.share <= high + 1e-9
    assert 0 <= found.expected_error <= 1
    assert 0 <= found.even_error <= 1 + 1e-9
    json.dumps(found.as_json(), allow_nan=False)


def test_the_error_of_true_scores_is_small_and_of_boasting_ones_large() -> None:
    logits, labels = drawn(0.6, -1.0)
    own = float(labels.mean())
    true = Calibration(scale=0.6, offset=-1.0, prior=own)
    boasting = Calibration(scale=3.0, offset=-1.0, prior=own)
    assert reliability(logits, labels, true).expected_error < 0.01
    assert reliability(logits, labels, boasting).expected_error > 0.05


def test_errors_are_means_over_bins_by_mass() -> None:
    # Two scores: of 0.9, right at a half and half in 3 of 4; of 0.1, in 1 of 4.
    high, low = log_odds(0.9), log_odds(0.1)
    logits = np.array([high] * 4 + [low] * 4, np.float32)
    labels = np.array([1, 1, 1, 0, 1, 0, 0, 0], np.int8)
    found = reliability(logits, labels, Calibration(prior=0.5), bins=2)
    assert [each.share for each in found.bins] == pytest.approx([0.25, 0.75])
    assert found.expected_error == pytest.approx(0.15)
    assert found.even_error == pytest.approx(0.15)
    # At one malicious in ten, the same rows say 1/28 and 1/4; scores stay what they are.
    rare = reliability(logits, labels, Calibration(prior=0.1), bins=2)
    assert [each.share for each in rare.bins] == pytest.approx([1 / 28, 1 / 4])


def test_an_offset_that_is_only_another_prior_costs_nothing() -> None:
    logits, labels = drawn(0.6, -1.0)
    for prior in (0.5, 0.01):
        found = reliability(logits, labels, fit_calibration(logits, labels, prior))
        assert found.expected_error < 0.01
        assert found.even_error < 0.02
