"""Parts of other URLs, in training alone."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.characters.codes import CharacterCodes
from models.url.augmentation import ENDS, FOLDERS, LABELS, with_additions
from models.url.featuriser import UrlFeaturiser
from models.url.normaliser import CLASSES, HOST, PATH, QUERY, code_of
from tests.models.url.urls import URLS

WIDTH = 40
SLASH, DOT = code_of("/", PATH), code_of(".", HOST)
FIRST_OF_PATH, FIRST_OF_QUERY = 1 + CLASSES * PATH, 1 + CLASSES * QUERY

Codes = list[int]


def changed(features: CharacterCodes, seed: int) -> NDArray[np.uint8]:
    return with_additions(features.codes, features.seen, np.random.default_rng(seed))


def host_of(codes: Codes) -> Codes:
    end = next((i for i, code in enumerate(codes) if code >= FIRST_OF_PATH), len(codes))
    return codes[:end]


def label_of(codes: Codes) -> Codes:
    """The first label of the host with its dot, where there is another."""
    host = host_of(codes)
    return host[: host.index(DOT) + 1] if DOT in host else []


def folder_of(codes: Codes) -> Codes:
    """The first folder of the path, with the slash before it."""
    rest = codes[len(host_of(codes)) :]
    if not host_of(codes) or rest[:1] != [SLASH] or SLASH not in rest[1:]:
        return []
    return rest[: rest.index(SLASH, 1)]


def end_of(codes: Codes) -> Codes:
    """From the last slash of the path; from the query where the path has none."""
    path = [code for code in codes if code < FIRST_OF_QUERY]
    if SLASH in path:
        return codes[len(path) - 1 - path[::-1].index(SLASH) :]
    return codes[len(path) :]


@given(st.lists(URLS, min_size=1, max_size=6), st.integers(0, 10_000))
@settings(deadline=None)
def test_a_row_keeps_all_its_own_and_gets_whole_parts_of_other_rows(
    urls: list[str], seed: int
) -> None:
    features = UrlFeaturiser(width=WIDTH)(urls)
    rows = [row[:seen].tolist() for row, seen in zip(features.codes, features.seen, strict=True)]
    for before, after in zip(rows, changed(features, seed).tolist(), strict=True):
        host = host_of(before)
        labels, folders, ends = ([[], *map(part, rows)] for part in (label_of, folder_of, end_of))
        if not host:
            labels, folders, ends = [[]], [[]], [[]]
        if before and before[-1] >= FIRST_OF_QUERY:
            ends = [[]]
        possible = [
            (label + host + folder + before[len(host) :] + end + [0] * WIDTH)[:WIDTH]
            for label, folder, end in product(labels, folders, ends)
        ]
        assert after in possible


@given(st.lists(URLS, min_size=1, max_size=20), st.integers(0, 10_000))
@settings(deadline=None)
def test_the_generator_decides_and_what_was_given_stays(urls: list[str], seed: int) -> None:
    features = UrlFeaturiser(width=WIDTH)(urls)
    before = features.codes.copy()
    assert np.array_equal(changed(features, seed), changed(features, seed))
    assert np.array_equal(features.codes, before)


def rows_changed(urls: list[str], seed: int) -> NDArray[np.bool_]:
    features = UrlFeaturiser(width=WIDTH)(urls)
    different: NDArray[np.bool_] = np.any(changed(features, seed) != features.codes, axis=1)
    return different


def test_rows_are_drawn_without_a_look_at_them() -> None:
    # So both labels are changed alike: whatever tells them apart is not asked.
    plain = [f"a{number}.example/f/home.js" for number in range(3000)]
    mixed = [f"b{number}.test/g/{'x.png' if number % 2 else 'y.php'}" for number in range(3000)]
    drawn = rows_changed(plain, 4)
    assert np.array_equal(drawn, rows_changed(mixed, 4))
    assert drawn.mean() == pytest.approx(1 - (1 - ENDS) * (1 - FOLDERS) * (1 - LABELS), abs=0.03)
    assert not np.array_equal(drawn, rows_changed(plain, 5))


def test_urls_without_anything_to_give_change_nothing() -> None:
    assert not rows_changed(["a", "b:8080", "http://192.0.2.1", ""] * 50, 1).any()


def test_ends_are_those_of_files_where_there_are_any() -> None:
    urls = ["a/x.js", *["b/login"] * 400]
    ends = {tuple(end_of(row)) for row in changed(UrlFeaturiser(width=WIDTH)(urls), 3).tolist()}
    [file] = [row[:6] for row in UrlFeaturiser(width=WIDTH)(urls[:1]).codes.tolist()]
    added = [end for end in ends if SLASH in end]
    assert any(end[: len(file) - 1] == tuple(file[1:]) for end in added)


def test_no_url_grows_beyond_the_width() -> None:
    features = UrlFeaturiser(width=12)(["example/bcdefgh"] * 200)
    assert np.array_equal(changed(features, 0), features.codes)
