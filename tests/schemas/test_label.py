from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.label import LABELS, Calibration, Label, Thresholds, scores


def test_labels_run_from_harmless_to_harmful() -> None:
    assert [label.severity for label in LABELS] == [0, 1, 2]
    assert sorted(Label, key=lambda label: label.severity) == [
        Label.BENIGN,
        Label.SUSPICIOUS,
        Label.MALICIOUS,
    ]


def test_thresholds_are_inclusive() -> None:
    thresholds = Thresholds(suspicious=1.0, malicious=2.0)
    logits = np.array([0.5, 1.0, 1.5, 2.0, 2.5], np.float32)
    assert thresholds.severities(logits).tolist() == [0, 1, 1, 2, 2]


def test_equal_thresholds_leave_no_room_for_suspicion() -> None:
    thresholds = Thresholds(suspicious=1.0, malicious=1.0)
    assert thresholds.severities(np.array([0.9, 1.0])).tolist() == [0, 2]


@given(st.floats(-50, 50), st.floats(-50, 50, width=32))
def test_float32_logits_are_judged_as_a_reader_of_the_json_would(
    threshold: float, logit: float
) -> None:
    thresholds = Thresholds(suspicious=threshold, malicious=threshold)
    severity = thresholds.severities(np.array([logit], np.float32))[0]
    assert severity == (2 if logit >= threshold else 0)


BAD = {"nan": (float("nan"), 1.0), "infinite": (0.0, float("inf")), "crossed": (2.0, 1.0)}


@pytest.mark.parametrize(("suspicious", "malicious"), BAD.values(), ids=BAD.keys())
def test_impossible_thresholds_are_errors(suspicious: float, malicious: float) -> None:
    with pytest.raises(ValueError, match=r"(?i)threshold"):
        Thresholds(suspicious=suspicious, malicious=malicious)


@given(st.lists(st.floats(allow_nan=False, width=32)))
def test_scores_rise_with_logits_within_bounds(logits: list[float]) -> None:
    ordered = scores(np.array(sorted(logits), np.float32))
    assert ((ordered >= 0) & (ordered <= 1)).all()
    assert (np.diff(ordered) >= 0).all()


def test_scores_tell_high_logits_apart_where_float32_could_not() -> None:
    assert len(set(scores(np.arange(-30, 36, dtype=np.float32)).tolist())) == 66
    assert scores(np.array([0.0], np.float32)).tolist() == [0.5]


CALIBRATIONS = st.builds(
    Calibration,
    scale=st.floats(1e-3, 1e3),
    offset=st.floats(-50, 50),
    prior=st.floats(1e-9, 0.5),
)


@given(CALIBRATIONS, st.lists(st.floats(allow_nan=False, width=32)))
def test_calibrated_scores_rise_with_logits_within_bounds(
    calibration: Calibration, logits: list[float]
) -> None:
    ordered = scores(np.array(sorted(logits), np.float32), calibration)
    assert ((ordered >= 0) & (ordered <= 1)).all()
    assert (np.diff(ordered) >= 0).all()


@given(CALIBRATIONS, st.lists(st.integers(-30, 30), unique=True))
def test_calibrated_scores_rise_strictly_while_there_are_digits(
    calibration: Calibration, sums: list[int]
) -> None:
    logits = (np.array(sorted(sums), np.float64) - calibration.offset) / calibration.scale
    assert (np.diff(scores(logits, calibration)) > 0).all()


@given(CALIBRATIONS, st.integers(-15, 15), st.floats(1e-3, 0.9))
def test_scores_can_be_rebased_for_another_prior_as_the_contract_says(
    calibration: Calibration, calibrated: int, prior: float
) -> None:
    def logit(share: float) -> float:
        return math.log(share / (1 - share))

    logits = np.array([(calibrated - calibration.offset) / calibration.scale])
    (score,) = scores(logits, calibration).tolist()
    (rebased,) = scores(np.array([logit(score) + logit(prior) - logit(calibration.prior)])).tolist()
    # Bayes: the odds of the score are those of the prior times what the subject says.
    said = score / (1 - score) / (calibration.prior / (1 - calibration.prior))
    odds = said * prior / (1 - prior)
    assert rebased == pytest.approx(odds / (1 + odds), rel=1e-6)


def test_largest_logits_have_scores_under_the_steepest_calibration() -> None:
    steep = Calibration(scale=1e300, offset=-1e300)
    assert scores(np.array([-1e38, 1.0, 1e38]), steep).tolist() == [0.0, 0.5, 1.0]


BAD_CALIBRATIONS = {
    "no scale": {"scale": 0.0},
    "falling": {"scale": -1.0},
    "endless scale": {"scale": float("inf")},
    "no number": {"offset": float("nan")},
    "prior of none": {"prior": 0.0},
    "prior of all": {"prior": 1.0},
    "prior that is no number": {"prior": float("nan")},
}


@pytest.mark.parametrize("fields", BAD_CALIBRATIONS.values(), ids=BAD_CALIBRATIONS.keys())
def test_impossible_calibrations_are_errors(fields: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"scale|prior"):
        Calibration(**fields)
