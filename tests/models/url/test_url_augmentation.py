"""Ends of other URLs, in training alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.characters.codes import CharacterCodes
from models.url.augmentation import SHARE, with_other_ends
from models.url.featuriser import UrlFeaturiser
from models.url.normaliser import CLASSES, PATH, QUERY, code_of
from tests.models.url.urls import URLS

WIDTH = 40
_SLASH = code_of("/", PATH)
_FIRST_OF_QUERY = 1 + CLASSES * QUERY


def changed(features: CharacterCodes, seed: int) -> NDArray[np.uint8]:
    return with_other_ends(features.codes, features.seen, np.random.default_rng(seed))


def end_of(codes: list[int]) -> list[int]:
    """From the last slash of the path; from the query where the path has none."""
    path = [code for code in codes if code < _FIRST_OF_QUERY]
    if _SLASH in path:
        return codes[len(path) - 1 - path[::-1].index(_SLASH) :]
    return codes[len(path) :]


@given(st.lists(URLS, min_size=1, max_size=40), st.integers(0, 10_000))
@settings(deadline=None)
def test_a_row_gets_nothing_but_the_end_of_a_row_behind_its_own(urls: list[str], seed: int) -> None:
    features = UrlFeaturiser(width=WIDTH)(urls)
    given_ = [row[:seen].tolist() for row, seen in zip(features.codes, features.seen, strict=True)]
    ends = [end_of(codes) for codes in given_]
    for before, after in zip(given_, changed(features, seed), strict=True):
        room = WIDTH - len(before)
        assert after[: len(before)].tolist() == before
        added = after[len(before) :].tolist()
        assert any(added == (end + [0] * room)[:room] for end in [[], *ends])
        if before and before[-1] >= _FIRST_OF_QUERY:
            assert not any(added)


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
    # So both labels get other ends alike: whatever tells them apart is not asked.
    plain = [f"{number}.example/home" for number in range(3000)]
    mixed = [f"{number}.test/{'logo.png' if number % 2 else 'login'}" for number in range(3000)]
    drawn = rows_changed(plain, 4)
    assert np.array_equal(drawn, rows_changed(mixed, 4))
    assert drawn.mean() == pytest.approx(SHARE, abs=0.03)
    assert not np.array_equal(drawn, rows_changed(plain, 5))


def test_urls_without_an_end_have_none_to_give() -> None:
    assert not rows_changed(["a.example", "b.example:8080", "http://192.0.2.1", ""] * 50, 1).any()


def test_no_url_grows_beyond_the_width() -> None:
    features = UrlFeaturiser(width=12)(["a.example/bcdefgh"] * 200)
    assert np.array_equal(changed(features, 0), features.codes)
