from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from models.thresholds import Threshold, Thresholds
from models.training.robustness import (
    WORST_OF_ALL,
    Change,
    cheap_additions,
    meaningless_changes,
    some,
)
from models.url.changes import ADDITIONS, MEANINGLESS

THRESHOLDS = Thresholds(
    suspicious=Threshold(logit=2.0, false_positive_rate=0.01),
    malicious=Threshold(logit=4.0, false_positive_rate=0.001),
)
ADDED: dict[str, Change] = {
    "one": lambda text: f"{text}.",
    "three": lambda text: f"{text}..." if text != "aaaa" else text,
    "more": lambda text: f"{text}a",
}


def letters_less_dots(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.array([text.count("a") - text.count(".") for text in texts], np.float32)


def test_falls_are_told_by_addition_and_for_who_tries_them_all() -> None:
    texts = ["a" * length for length in (3, 4, 5, 8)]
    one, three, more, worst = cheap_additions(letters_less_dots, texts, ADDED, THRESHOLDS)
    assert (one.median, one.high) == (1, 1)
    assert (one.before.count, one.after.count, one.after.of) == (3, 2, 4)
    # It does not apply to one of the four.
    assert (three.median, three.before.count, three.after.count, three.after.of) == (3, 2, 1, 3)
    assert more.median == -1
    assert worst.addition == WORST_OF_ALL
    assert (worst.before.count, worst.after.count, worst.after.of) == (3, 1, 4)
    assert worst.median == 3
    json.dumps([fall.as_json() for fall in (one, worst)], allow_nan=False)


def test_what_helps_no_text_lowers_none() -> None:
    (worst,) = cheap_additions(letters_less_dots, ["a"], {"nothing": str}, THRESHOLDS)
    assert (worst.addition, worst.median, worst.before) == (WORST_OF_ALL, 0, worst.after)


def test_shifts_say_the_largest_the_mean_and_the_flipped() -> None:
    texts = ["aa", "aaaa", "aaaaaaaa", "b"]
    changes: dict[str, Change] = {
        "doubled": lambda text: text.replace("a", "aa"),
        "halved": lambda text: text.replace("aa", "a"),
        "nothing": str,
    }
    doubled, halved = meaningless_changes(letters_less_dots, texts, changes, THRESHOLDS)
    assert (doubled.change, doubled.texts) == ("doubled", 3)
    assert doubled.largest == 8
    assert doubled.mean == pytest.approx(14 / 3)
    # Suspicious to malicious; malicious stays malicious.
    assert (doubled.flipped.count, doubled.flipped.of) == (1, 3)
    assert (*doubled.example, *doubled.logits) == ("aaaaaaaa", "a" * 16, 8.0, 16.0)
    assert halved.flipped.count == 2
    json.dumps(doubled.as_json(), allow_nan=False)


def test_url_changes_are_measured_under_their_names() -> None:
    texts = ["http://www.a.example/aaaa.exe", "https://b.example/a/?c=d", "c.example"]
    falls = cheap_additions(letters_less_dots, texts, ADDITIONS, THRESHOLDS)
    assert [fall.addition for fall in falls] == [*ADDITIONS, WORST_OF_ALL]
    shifts = meaningless_changes(letters_less_dots, texts, MEANINGLESS, THRESHOLDS)
    assert {shift.change for shift in shifts} == set(MEANINGLESS) - {"all in lower case"}


@pytest.mark.parametrize("rows", [0, 5, 30], ids=str)
def test_some_rows_are_drawn_once_each_in_order_and_always_the_same(rows: int) -> None:
    drawn = some(rows, most=10, seed=3)
    assert len(drawn) == min(rows, 10)
    assert np.all(np.diff(drawn) > 0)
    assert set(drawn.tolist()) <= set(range(rows))
    assert drawn.tolist() == some(rows, most=10, seed=3).tolist()
