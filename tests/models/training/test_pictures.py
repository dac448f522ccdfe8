from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from numpy.typing import NDArray

from models.calibration import Calibration
from models.thresholds import Threshold, Thresholds
from models.training.calibration import reliability
from models.training.metrics import threshold_at
from models.training.pictures import (
    boundary,
    calibration,
    embeddings,
    filters,
    gallery,
    histogram,
    learning,
    roc,
)
from models.training.pictures.style import Picture, defanged, save, shown
from models.training.policy import EpochReport

THRESHOLDS = Thresholds(
    suspicious=Threshold(logit=1.0, false_positive_rate=0.01),
    malicious=Threshold(logit=3.0, false_positive_rate=0.001),
)
HOSTILE = "http://a.example/$x^2$?<script>&\x00\u0433\U0001f511_{\\frac}"


def rows(count: int = 600) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    random = np.random.default_rng(0)
    labels = (random.random(count) < 0.3).astype(np.int8)
    return random.normal(4.0 * labels - 2, 1.5).astype(np.float32), labels


def draw_roc() -> Figure:
    logits, labels = rows()
    return roc.roc(labels, logits, {"another, worse": logits[::-1]}, THRESHOLDS)


def draw_histogram() -> Figure:
    return histogram.histogram(*rows(), THRESHOLDS, Calibration(offset=-4, prior=0.01))


def draw_calibration() -> Figure:
    return calibration.calibration_curve(reliability(*rows(), Calibration(prior=0.01)))


def draw_learning() -> Figure:
    shares = {0.01: [0.5, 0.7], 0.001: [0.2, 0.3]}
    return learning.learning_curve([1, 2], [0.6, 0.4], [0.9, 0.95], shares, chosen=2)


def draw_embeddings() -> Figure:
    points = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    characters = ["", *map(chr, range(33, 72))]
    return embeddings.embedding_map(points, characters, ["a", "b"] * 20)


def draw_filters() -> Figure:
    random = np.random.default_rng(0)
    strings = [HOSTILE[start : start + 4] for start in range(20)] + ["a b "]
    excited = filters.most_exciting(
        strings,
        random.normal(size=(21, 12)).astype(np.float32),
        random.normal(size=12).astype(np.float32),
    )
    return filters.filter_table(excited)


def draw_boundary() -> Figure:
    random = np.random.default_rng(0)
    _, labels = rows()
    activations = np.maximum(0, random.normal(labels[:, None], 1, (600, 16))).astype(np.float32)
    weights = random.normal(0.5, 0.2, 16).astype(np.float32)
    return boundary.boundary(activations, weights, -3.0, labels, [HOSTILE] * 600, THRESHOLDS)


EVERY = [
    pytest.param(module.PICTURE, draw, id=module.PICTURE.name)
    for module, draw in (
        (roc, draw_roc),
        (histogram, draw_histogram),
        (calibration, draw_calibration),
        (learning, draw_learning),
        (embeddings, draw_embeddings),
        (filters, draw_filters),
        (boundary, draw_boundary),
    )
]


@pytest.mark.parametrize(("picture", "draw"), EVERY)
def test_a_picture_is_the_same_bytes_for_the_same_numbers(
    picture: Picture, draw: Callable[[], Figure], tmp_path: Path
) -> None:
    for folder in ("once", "twice"):
        assert save(draw(), tmp_path / folder, picture) == picture
    for name in (picture.png, picture.svg):
        first = (tmp_path / "once" / name).read_bytes()
        assert first == (tmp_path / "twice" / name).read_bytes()
    root = ET.fromstring((tmp_path / "once" / picture.svg).read_text())  # noqa: S314 - our own
    assert root.tag.endswith("svg")
    assert (tmp_path / "once" / picture.png).read_bytes().startswith(b"\x89PNG")
    assert "<dc:date>" not in (tmp_path / "once" / picture.svg).read_text()


def test_pictures_have_names_of_their_own() -> None:
    assert len({parameter.values[0] for parameter in EVERY}) == len(EVERY)


def test_pictures_of_few_rows_can_be_drawn(tmp_path: Path) -> None:
    logits, labels = np.array([1, 2, 2], np.float32), np.array([0, 1, 1], np.int8)
    few = [
        (roc.PICTURE, roc.roc(labels, logits, {})),
        (histogram.PICTURE, histogram.histogram(logits[:1], labels[:1], THRESHOLDS)),
        (
            calibration.PICTURE,
            calibration.calibration_curve(reliability(logits, labels, Calibration())),
        ),
        (learning.PICTURE, learning.learning_curve([1], [0.5], [0.5], {})),
        (filters.PICTURE, filters.filter_table(())),
    ]
    for picture, figure in few:
        save(figure, tmp_path, picture)
        assert (tmp_path / picture.svg).stat().st_size > 0


def test_the_gallery_draws_what_there_is(tmp_path: Path) -> None:
    logits, labels = rows()
    report = EpochReport(epoch=1, loss=0.5, area=0.9, detection={0.01: 0.5})
    drawn = gallery.draw(
        tmp_path / "all",
        logits=logits,
        labels=labels,
        rivals={"another": logits[::-1]},
        thresholds=THRESHOLDS,
        scores=reliability(logits, labels, Calibration()),
        epochs=[report],
        chosen=1,
    )
    assert [picture.name for picture in drawn] == ["roc", "scores", "calibration", "learning"]
    assert all((tmp_path / "all" / picture.svg).exists() for picture in drawn)
    (alone,) = gallery.draw(
        tmp_path / "one label",
        logits=logits,
        labels=np.zeros(len(logits), np.int8),
        rivals={},
        thresholds=THRESHOLDS,
        scores=None,
        epochs=[],
    )
    assert alone == histogram.PICTURE


def test_the_curve_detects_what_the_thresholds_of_its_rates_do() -> None:
    logits, labels = rows()
    logits = np.round(logits)
    rates, shares = roc.curve(logits, labels)
    for rate, share in zip(rates[::7], shares[::7], strict=True):
        threshold = threshold_at(logits[labels == 0], rate + 1e-12)
        assert share == pytest.approx(np.mean(logits[labels != 0] >= threshold))
    assert shares[-1] == 1


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40))
@settings(deadline=None)
def test_labels_part_until_none_hides_another(points: list[tuple[float, float]]) -> None:
    places = np.array(points)
    moved = embeddings.apart(places, least=0.05)
    distance = np.hypot(*(moved[:, None] - moved[None]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    assert distance.min() > 0.03
    if len(points) == 1:
        assert np.allclose(moved, places, atol=1e-5)


def test_the_principal_plane_shows_what_varies_most() -> None:
    random = np.random.default_rng(0)
    turned, _ = np.linalg.qr(random.normal(size=(6, 6)))
    points = (random.normal(size=(200, 6)) * [9, 4, 0.1, 0.1, 0.1, 0.1]) @ turned
    places, (first, second) = embeddings.principal_plane(points.astype(np.float32))
    assert places.shape == (200, 2)
    assert np.ptp(places[:, 0]) == pytest.approx(1)
    assert first + second > 0.99
    assert first > second


def test_the_plane_s_first_axis_is_the_logit_and_the_second_at_right_angles() -> None:
    random = np.random.default_rng(0)
    activations = random.normal(size=(300, 12)).astype(np.float32)
    activations[:, 3] *= 9
    weights = random.normal(size=12).astype(np.float32)
    places = boundary.plane(activations, weights, 0.5)
    assert np.allclose(places[:, 0], activations @ weights + 0.5, atol=1e-4)
    # A step along the weights changes the logit alone.
    step = (activations + 0.7 * weights).astype(np.float32)
    assert np.allclose(boundary.plane(step, weights, 0.5)[:, 1], places[:, 1], atol=1e-3)


def test_marked_examples_are_of_both_labels_and_lie_apart() -> None:
    random = np.random.default_rng(0)
    places = random.normal(size=(500, 2))
    labels = (random.random(500) < 0.5).astype(np.int8)
    low, high = np.full(2, -2.0), np.full(2, 2.0)
    chosen = boundary.examples(places, labels, (low, high), count=10)
    assert len(chosen) == len(set(chosen)) == 10
    assert int(labels[chosen].sum()) == 5
    between = (places[chosen][:, None] - places[chosen][None]) / (high - low)
    distance = np.hypot(between[..., 0], between[..., 1])
    np.fill_diagonal(distance, 1)
    assert distance.min() > 0.05
    assert boundary.examples(places, np.zeros(500, np.int8), (low, high), count=4)


def test_filters_with_the_largest_effect_either_way_are_chosen() -> None:
    activations = np.array([[1, 5, 0, 2], [3, 1, 0, 2], [2, 0, 0, 9]], np.float32)
    effects = np.array([0.5, -2.0, 3.0, 0.0], np.float32)
    chosen = filters.most_exciting(["ab", "cd", "ef"], activations, effects, filters=4, most=2)
    assert [(one.name, one.strings, one.activations) for one in chosen] == [
        ("filter 2", (), ()),
        ("filter 0", ("cd", "ef"), (3.0, 2.0)),
        ("filter 1", ("ab", "cd"), (5.0, 1.0)),
    ]


def test_strings_keep_where_they_stand() -> None:
    activations = np.array([[1], [3], [2]], np.float32)
    effects = np.ones(1, np.float32)
    (one,) = filters.most_exciting(
        ["ab", "cd", "ef"], activations, effects, places=["host", "path", "query"], most=2
    )
    assert (one.strings, one.places) == (("cd", "ef"), ("path", "query"))
    (one,) = filters.most_exciting(["ab", "cd", "ef"], activations, effects, most=2)
    assert one.places == ("", "")


@pytest.mark.parametrize(
    ("string", "expected"),
    [
        ("ab c", "ab\N{OPEN BOX}c"),
        ("a\N{MIDDLE DOT}\N{MIDDLE DOT}b", "a\N{MIDDLE DOT}\N{MIDDLE DOT}b"),
        ("a\n\x1b", "a\\n\\x1b"),
        ("a" * 13, "aaaaaaaaa..."),
    ],
    ids=["a space", "many characters", "controls", "long"],
)
def test_strings_of_filters_are_visible(string: str, expected: str) -> None:
    assert filters.visible(string) == expected


def test_names_of_curves_that_end_alike_lie_apart() -> None:
    shares = {rate: [0.5, 0.7] for rate in (0.01, 0.001, 0.0001)}
    figure = learning.learning_curve([1, 2], [0.6, 0.4], [0.9, 0.95], shares)
    places = sorted(text.get_position()[1] for text in figure.axes[2].texts)
    assert {text.get_text() for text in figure.axes[2].texts} == {"1 %", "0.1 %", "0.01 %"}
    assert np.diff(places) == pytest.approx(learning.LEAST_DISTANCE)


def test_ngrams_are_counted_by_the_texts_that_hold_them() -> None:
    assert filters.frequent_ngrams(["aaaa", "aab", "b"], 2) == ["aa", "ab"]
    assert filters.frequent_ngrams(["ba", "ab"], 1, most=1) == ["a"]


@given(st.text(max_size=200), st.integers(8, 60))
def test_shown_text_is_printable_and_fits(text: str, most: int) -> None:
    line = shown(text, most)
    assert len(line) <= most
    assert all(" " <= c <= "~" for c in line)
    if text.isascii() and text.isprintable() and len(text) <= most:
        assert line == text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/b.c", "hxxps://a[.]example/b.c"),
        ("HTTP://a.example?b.c", "hxxp://a[.]example?b.c"),
        ("a.example", "a[.]example"),
        ("a.example/?u=http://b.example", "a[.]example/?u=hxxp://b.example"),
        ("http://a.example\\b.c", "hxxp://a[.]example\\b.c"),
        ("C:\\Users\\ann\\b.exe", "C:\\Users\\ann\\b.exe"),
    ],
    ids=str,
)
def test_defanged_urls_lead_nowhere(url: str, expected: str) -> None:
    assert defanged(url) == expected
