from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.label import LABELS, Label, Thresholds, scores


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
