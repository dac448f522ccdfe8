from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.artefact import GOLDEN_TOLERANCE
from models.errors import DataError
from models.training.thresholds import (
    MALICIOUS_RATE,
    SUSPICIOUS_RATE,
    Benign,
    benign_kinds,
    choose,
)


def normal(rows: int, middle: float = 0.0, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(middle, 1, rows).astype(np.float32)


KINDS = st.dictionaries(
    st.sampled_from(["collected", "telemetry", "ip hosts"]),
    st.tuples(st.sampled_from([1, 99, 500, 1646, 5000]), st.integers(-3, 3), st.integers(0, 50)),
    min_size=1,
)


@given(kinds=KINDS, grouped=st.booleans())
@settings(deadline=None, max_examples=50)
def test_stated_rates_hold_on_every_kind_that_can_show_them(
    kinds: dict[str, tuple[int, int, int]], grouped: bool
) -> None:
    rows = {
        kind: Benign(
            logits=normal(count, middle, seed),
            groups=[str(number // 4) for number in range(count)] if grouped else None,
        )
        for kind, (count, middle, seed) in kinds.items()
    }
    choice = choose(rows)
    for threshold, requests, rate in (
        (choice.thresholds.suspicious, choice.suspicious, SUSPICIOUS_RATE),
        (choice.thresholds.malicious, choice.malicious, MALICIOUS_RATE),
    ):
        assert threshold.false_positive_rate == rate
        assert [request.kind for request in requests] == list(rows)
        for request in requests:
            reached = rows[request.kind].logits >= threshold.logit
            assert request.reached == np.count_nonzero(reached)
            assert request.reached / request.rows <= request.bound
            if request.logit is not None:
                assert np.mean(reached) <= rate
                assert request.logit < threshold.logit
    assert choice.thresholds.suspicious.logit <= choice.thresholds.malicious.logit
    json.dumps(choice.as_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("rows", "most"),
    # 42 of 55,000: the one-sided 95 % bound of 43 is above 1e-3. Below 2,995 half the rate.
    [(55_005, 42), (10_000, 5), (2995, 2), (1646, 1), (1000, 1)],
    ids=str,
)
def test_fewer_than_the_rate_may_reach_the_threshold_so_that_it_holds_on_other_rows(
    rows: int, most: int
) -> None:
    logits = normal(rows)
    choice = choose({"all": Benign(logits=logits)})
    assert np.count_nonzero(logits >= choice.thresholds.malicious.logit) == most


def test_the_rate_holds_on_19_of_20_new_samples() -> None:
    held = 0
    for seed in range(200):
        chosen = choose({"all": Benign(logits=normal(20_000, seed=seed))}).thresholds
        chance = math.erfc(chosen.malicious.logit / math.sqrt(2)) / 2
        held += chance <= MALICIOUS_RATE
    assert held >= 180


def test_the_kind_that_asks_for_most_decides() -> None:
    kinds = {
        "collected": Benign(logits=normal(20_000)),
        "telemetry": Benign(logits=normal(20_000, middle=1, seed=1)),
        "ip hosts": Benign(logits=normal(1646, middle=-2, seed=2)),
    }
    choice = choose(kinds)
    alone = choose({"telemetry": kinds["telemetry"]})
    assert choice.thresholds == alone.thresholds
    for requests in (choice.suspicious, choice.malicious):
        assert [request.kind for request in requests if request.decisive] == ["telemetry"]
    (small,) = (request for request in choice.malicious if request.kind == "ip hosts")
    assert small.reached == 0
    assert MALICIOUS_RATE < small.bound < 2 * MALICIOUS_RATE


def test_a_kind_too_small_to_show_a_rate_does_not_decide_it() -> None:
    odd = np.full(50, 99, np.float32)
    many = normal(5000)
    choice = choose({"odd": Benign(logits=odd), "many": Benign(logits=many)})
    assert choice.thresholds == choose({"many": Benign(logits=many)}).thresholds
    assert choice.malicious[0].logit is None
    assert choice.malicious[0].bound == 1


def test_a_kind_that_shows_the_higher_rate_alone_raises_both_thresholds() -> None:
    choice = choose({"few": Benign(logits=normal(500, 9)), "many": Benign(logits=normal(5000))})
    assert choice.thresholds.suspicious.logit == choice.thresholds.malicious.logit > 9
    assert not any(request.decisive for request in choice.malicious if request.kind == "many")


def test_where_all_are_small_none_of_the_largest_reaches_the_malicious_threshold() -> None:
    logits = np.arange(60, dtype=np.float32)
    choice = choose({"a": Benign(logits=logits), "b": Benign(logits=logits[:5] + 100)})
    assert 59 < choice.thresholds.malicious.logit < 59 + 2 * GOLDEN_TOLERANCE


def test_rows_that_go_together_count_for_less() -> None:
    # Of 20,000 rows every hundred share a domain and a logit.
    domains = np.repeat(np.arange(200), 100)
    logits = normal(200)[domains]
    apart = choose({"all": Benign(logits=logits)})
    together = choose({"all": Benign(logits=logits, groups=[str(each) for each in domains])})
    assert apart.suspicious[0].effective == 20_000
    assert together.suspicious[0].effective == pytest.approx(200)
    assert together.thresholds.suspicious.logit >= apart.thresholds.suspicious.logit
    named_nothing = choose({"all": Benign(logits=logits, groups=[""] * 20_000)})
    assert named_nothing == apart


@pytest.mark.parametrize("kinds", [{}, {"a": Benign(logits=np.empty(0, np.float32))}], ids=str)
def test_without_benign_rows_there_is_no_threshold(kinds: dict[str, Benign]) -> None:
    with pytest.raises(DataError, match="benign rows"):
        choose(kinds)


def test_benign_rows_are_taken_by_kind_as_they_are_and_lower_cased() -> None:
    logits = np.arange(5, dtype=np.float32)
    labels = np.array([0, 0, 1, 0, 1], np.int8)
    kinds = ["collected", "telemetry", "collected", "telemetry", "synthetic"]
    found = benign_kinds(logits, labels, kinds, lower_cased=-logits, groups=list("abcde"))
    assert {kind: rows.logits.tolist() for kind, rows in found.items()} == {
        "collected": [0],
        "collected, lower-cased": [0],
        "telemetry": [1, 3],
        "telemetry, lower-cased": [-1, -3],
    }
    assert found["telemetry"].groups == found["telemetry, lower-cased"].groups == ["b", "d"]
    assert list(benign_kinds(logits, labels, kinds)) == ["collected", "telemetry"]
