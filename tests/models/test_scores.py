from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import Calibration, sigmoid

SCALE = st.floats(1e-3, 50)
OFFSET = st.floats(-20, 20)
PRIOR = st.floats(1e-6, 1 - 1e-6)
LOGITS = st.lists(st.floats(-60, 60, width=32), min_size=2, max_size=50)


@given(scale=SCALE, offset=OFFSET, logits=LOGITS)
def test_scores_put_texts_in_the_order_of_their_logits(
    scale: float, offset: float, logits: list[float]
) -> None:
    given_ = np.sort(np.array(logits, np.float32))
    scores = Calibration(scale=scale, offset=offset).scores(given_)
    assert scores.dtype == np.float64
    assert np.all((scores >= 0) & (scores <= 1))
    assert np.all(np.diff(scores) >= 0)


def test_neighbouring_logits_have_different_scores_where_float32_has_long_run_out() -> None:
    logits = np.linspace(-30, 30, 1000, dtype=np.float32)
    assert np.all(np.diff(Calibration().scores(logits)) > 0)
    assert np.all(np.diff(Calibration(scale=0.3, offset=-4.0).scores(logits)) > 0)


@given(scale=SCALE, offset=OFFSET, prior=PRIOR, other=PRIOR, logit=st.floats(-20, 20, width=32))
def test_another_prior_changes_the_odds_by_the_ratio_of_prior_odds(
    scale: float, offset: float, prior: float, other: float, logit: float
) -> None:
    calibration = Calibration(scale=scale, offset=offset, prior=prior)
    rebased = calibration.rebased(other)
    exact = np.array([logit])
    evidence = scale * logit + offset - math.log(prior / (1 - prior))
    assert rebased.prior == other
    assert rebased.scores(exact)[0] == pytest.approx(
        sigmoid(np.array([evidence + math.log(other / (1 - other))]))[0], abs=1e-9
    )
    assert rebased.rebased(prior).offset == pytest.approx(offset, abs=1e-9)


def test_without_calibration_a_score_is_the_logistic_function() -> None:
    assert Calibration().scores(np.array([0.0, 2.0])).tolist() == [
        0.5,
        pytest.approx(1 / (1 + math.exp(-2))),
    ]


@pytest.mark.parametrize("logit", [-1e30, 1e30, -np.inf, np.inf], ids=str)
def test_no_logit_overflows(logit: float) -> None:
    assert Calibration().scores(np.array([logit], np.float32))[0] == (logit > 0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"scale": 0.0}, "scale has value 0.0"),
        ({"scale": -1.0}, "scale has value -1.0"),
        ({"scale": math.inf}, "scale has value inf"),
        ({"offset": math.nan}, "offset has value nan"),
        ({"prior": 0.0}, "prior has value 0.0"),
        ({"prior": 1.0}, "prior has value 1.0"),
    ],
    ids=str,
)
def test_a_calibration_that_could_not_score_is_refused(
    changed: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Calibration(**changed)


@pytest.mark.parametrize("prior", [0.0, 1.0, math.nan], ids=str)
def test_a_prior_that_leaves_nothing_to_judge_is_refused(prior: float) -> None:
    with pytest.raises(ValueError, match="prior has value"):
        Calibration().rebased(prior)
