"""What carries no meaning leaves no trace in a URL's codes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.url.changes import ADDITIONS, MEANINGLESS
from models.url.featuriser import UrlFeaturiser
from tests.models.url.urls import URLS

CHANGES = {**MEANINGLESS, "a fragment": ADDITIONS["fragment `#main-content`"]}


def codes_of(url: str) -> list[int]:
    codes: list[int] = UrlFeaturiser(width=192)([url]).codes[0].tolist()
    return codes


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@given(url=URLS)
@settings(deadline=None)
def test_a_change_without_meaning_leaves_all_codes(change: Callable[[str], str], url: str) -> None:
    assert codes_of(change(url)) == codes_of(url)


@given(URLS, st.lists(st.sampled_from(sorted(CHANGES)), max_size=6))
@settings(deadline=None)
def test_nor_do_several_after_one_another(url: str, names: list[str]) -> None:
    changed = url
    for name in names:
        changed = CHANGES[name](changed)
    assert codes_of(changed) == codes_of(url)


EQUAL = {
    "scheme": ("https://a.example/b", "a.example/b"),
    "case of scheme and host": ("HTTP://A.EXAMPLE/b", "http://a.example/b"),
    "www": ("https://www.a.example/b", "https://a.example/b"),
    "a trailing slash": ("https://a.example/b/", "https://a.example/b"),
    "a trailing slash before a query": ("https://a.example/b/?c", "https://a.example/b?c"),
    "escaped letters": ("https://a.example/%62%63", "https://a.example/bc"),
    "escapes in another case": ("https://a.example/%c3%a9", "https://a.example/%C3%A9"),
    "an escaped host": ("https://%61.example/", "https://a.example/"),
    "port of http": ("http://a.example:80/b", "http://a.example/b"),
    "port of https": ("https://a.example:443/b", "https://a.example/b"),
    "an empty port": ("https://a.example:/b", "https://a.example/b"),
    "the host's last dot": ("https://a.example./b", "https://a.example/b"),
    "a fragment": ("https://a.example/b#c?d/e", "https://a.example/b"),
    "an empty query": ("https://a.example/b?", "https://a.example/b"),
    "backslashes": ("https:\\\\a.example\\b", "https://a.example/b"),
    "white space around": (" https://a.example/b\r\n", "https://a.example/b"),
}
DIFFERENT = {
    "another port": ("https://a.example:8080/b", "https://a.example/b"),
    "another scheme": ("ftp://a.example/b", "https://a.example/b"),
    "a user": ("https://u@a.example/b", "https://a.example/b"),
    "an escaped slash": ("https://a.example/b%2fc", "https://a.example/b/c"),
    "an escaped percent sign": ("https://a.example/%2562", "https://a.example/%62"),
    "a query": ("https://a.example/b?c", "https://a.example/b"),
    "host and path": ("https://a.example/b", "https://b.example/a"),
    "the same in the path": ("https://a.example", "https://x/a.example"),
    "www of the top": ("https://www.example", "https://example"),
}


@pytest.mark.parametrize(("one", "other"), EQUAL.values(), ids=EQUAL)
def test_two_spellings_have_the_same_codes(one: str, other: str) -> None:
    assert codes_of(one) == codes_of(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_two_urls_have_different_codes(one: str, other: str) -> None:
    assert codes_of(one) != codes_of(other)


@given(URLS)
@settings(deadline=None)
def test_a_cut_url_has_the_first_codes_of_the_whole_one(url: str) -> None:
    narrow = UrlFeaturiser(width=12)([url])
    assert np.array_equal(narrow.codes[0], codes_of(url)[:12])
    assert (narrow.read[0] < len(url)) == (codes_of(url)[12] != 0)
