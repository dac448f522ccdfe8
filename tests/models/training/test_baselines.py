from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import DataError
from models.training.baselines.boosting import HandMade
from models.training.baselines.contract import Baseline
from models.training.baselines.counting import MOST_CLASSES, bucket, entropy, hexadecimal
from models.training.baselines.ngrams import CharacterNgrams
from models.training.baselines.page_features import PAGE_FEATURES
from models.training.baselines.path_features import PATH_FEATURES
from models.training.baselines.table import baselines_of
from models.training.baselines.url_features import URL_FEATURES
from models.training.comparison import Rows, fit_and_measure
from models.training.metrics import area_under_roc

WORDS = ("news", "garden", "river", "museum", "recipe", "weather")
TRICKS = ("login-verify", "secure.update", "account_confirm", "wallet0x")


def urls(rows: int, seed: int) -> Rows:
    random = np.random.default_rng(seed)
    labels = (random.random(rows) < 0.4).astype(np.int8)
    subjects = [
        f"http://{random.choice(TRICKS if label else WORDS)}{random.integers(99)}.example/"
        f"{random.choice(WORDS)}/{random.integers(999)}"
        for label in labels
    ]
    return Rows(subjects=subjects, labels=labels, sources=["feed"] * rows)


def paths(rows: int, seed: int) -> Rows:
    found = urls(rows, seed)
    texts = [url.replace("http://", "C:\\Users\\").replace("/", "\\") for url in found.subjects]
    return Rows(subjects=texts, labels=found.labels, sources=found.sources)


def pages(rows: int, seed: int) -> Rows:
    found = urls(rows, seed)
    subjects = [
        (f"<form><input type=password>{url}</form>" if label else f"<p>{url}</p>").encode() * 3
        for url, label in zip(found.subjects, found.labels, strict=True)
    ]
    return Rows(subjects=subjects, labels=found.labels, sources=found.sources)


ROWS = {"url": urls, "path": paths, "html": pages}
EVERY = [
    pytest.param(detector, number, id=f"{detector}: {baseline.name}")
    for detector in ROWS
    for number, baseline in enumerate(baselines_of(detector))
]


@pytest.mark.parametrize(("detector", "number"), EVERY)
def test_a_baseline_learns_what_it_is_shown_and_twice_the_same(detector: str, number: int) -> None:
    train, test = ROWS[detector](600, 0), ROWS[detector](200, 1)
    twice = []
    for _ in range(2):
        baseline: Baseline = baselines_of(detector)[number]
        baseline.fit(train.subjects, train.labels)
        twice.append(baseline.logits(test.subjects))
    first, second = twice
    assert first.dtype == np.float32
    assert area_under_roc(first, test.labels) > 0.95
    assert first.tobytes() == second.tobytes()
    assert len(baseline.logits([])) == 0
    assert np.all(np.isfinite(baseline.logits(test.subjects[:1])))


def test_a_baseline_is_measured_as_the_network_is() -> None:
    rival = fit_and_measure(CharacterNgrams(bits=12), urls(800, 0), urls(800, 1), urls(200, 2))
    assert rival.seconds is not None
    assert rival.seconds > 0
    assert len(rival.logits) == 200
    everything = rival.evaluation.everything
    assert everything.area is not None
    assert everything.area > 0.95
    assert everything.at_malicious.detected.of == everything.malicious
    assert rival.as_json()["name"] == rival.name


def test_a_baseline_without_benign_rows_to_choose_on_is_refused() -> None:
    rows = urls(100, 0)
    malicious = Rows(subjects=["a"], labels=np.ones(1, np.int8), sources=[""])
    with pytest.raises(DataError, match="benign rows"):
        fit_and_measure(CharacterNgrams(bits=8, passes=1), rows, malicious, rows)


def test_an_unknown_detector_has_no_baselines() -> None:
    assert baselines_of("mail") == ()


@given(st.lists(st.text(max_size=20), min_size=1, max_size=9), st.integers(1, 3), st.integers(0, 3))
@settings(deadline=None)
def test_bins_are_those_of_each_text_s_ngrams(texts: list[str], shortest: int, more: int) -> None:
    ngrams = CharacterNgrams(shortest=shortest, longest=shortest + more, bits=30)
    found = ngrams._bins(texts)
    assert found.shape == (len(texts), 1 << 30)
    for text, row in zip(texts, found, strict=True):
        lowered = text.lower()
        distinct = {
            lowered[start : start + length]
            for length in range(shortest, shortest + more + 1)
            for start in range(len(lowered) - length + 1)
        }
        # Of so many bins, two n-grams hardly ever share one.
        assert len(distinct) - 1 <= row.nnz <= len(distinct)
        if row.nnz:
            assert float(row.power(2).sum()) == pytest.approx(1, abs=1e-5)
    assert (
        ngrams._bins([text.upper() for text in texts if text.isascii()])
        != ngrams._bins([text for text in texts if text.isascii()])
    ).nnz == 0


@pytest.mark.parametrize(
    ("features", "subjects"),
    [
        (URL_FEATURES, ["", "?", "http://", "a", "http://[::1]:8/\ud800%", "x" * 9999]),
        (PATH_FEATURES, ["", "\\", "C:", "HKLM\\a\\{b}", "\ud800", "x" * 9999]),
        (PAGE_FEATURES, [b"", b"<", b"\xff\x00", b"<script>", b"<a>" * 100_000]),
    ],
    ids=["url", "path", "html"],
)
def test_hand_made_features_are_numbers_of_anything(
    features: HandMade, subjects: Sequence[Any]
) -> None:
    found = features(subjects)
    assert found.shape == (len(subjects), len(features.names))
    assert np.all(np.isfinite(found))
    assert len(set(features.names)) == len(features.names)
    assert features.classes <= set(features.names)
    for name in features.classes:
        column = found[:, features.names.index(name)]
        assert np.all((column >= 0) & (column < MOST_CLASSES))


def named(features: HandMade, subject: Any) -> dict[str, float]:
    return dict(zip(features.names, features.row(subject), strict=True))


def test_url_features_say_what_their_names_say() -> None:
    told = named(URL_FEATURES, "https://www.a-b1.example:8080/login/~x/y.php?c=d&e=%20#f")
    assert told["host length"] == len("a-b1.example")
    assert (told["host labels"], told["host dashes"], told["host digits"]) == (2, 1, 1)
    assert (told["port"], told["user"], told["is an address"]) == (True, False, False)
    assert (told["depth"], told["parameters"], told["equals signs"]) == (3, 1, 2)
    assert (told["words"], told["tilde"], told["percent signs"]) == (1, 1, 1)
    assert told["extension"] == bucket("php")
    assert told["suffix"] == bucket("example")
    assert named(URL_FEATURES, "http://192.0.2.1/")["is an address"]


def test_path_features_fold_case() -> None:
    lower = PATH_FEATURES.row("c:\\windows\\temp\\deadbeef01.exe")
    assert PATH_FEATURES.row("C:\\WINDOWS\\Temp\\DeadBeef01.EXE") == lower
    told = named(PATH_FEATURES, "c:\\windows\\temp\\deadbeef01.exe")
    assert (told["\\temp\\"], told["depth"], told["hexadecimal run"]) == (True, 4, 10)
    assert not told["is a key"]
    assert named(PATH_FEATURES, "HKCU\\Software\\x")["is a key"]


def test_page_features_do_not_tell_length() -> None:
    page = b"<p>one <a href='/'>two</a></p><script>eval(1)</script>\n"
    once, often = PAGE_FEATURES.row(page), PAGE_FEATURES.row(page * 50)
    assert once == pytest.approx(often)
    told = named(PAGE_FEATURES, page)
    assert told["share of tags: script"] == pytest.approx(1 / 3)


def test_counting_helpers() -> None:
    assert bucket("") == 0
    assert len({bucket(str(number)) for number in range(2000)}) == MOST_CLASSES - 1
    assert entropy("") == 0
    assert entropy("abcd") == pytest.approx(math.log2(4))
    assert hexadecimal("x12345 deadbeef99") == 10
