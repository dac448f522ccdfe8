from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.url.changes import ADDITIONS, MEANINGLESS, split

URLS = st.from_regex(
    r"(https?://)?(www\.)?[a-zA-Z0-9-]{1,9}(\.[a-z]{2,5}){1,3}(:[0-9]{2,5})?"
    r"(/[a-zA-Z0-9%._-]{0,9}){0,3}(\?[a-z=&]{0,9})?(#[a-z]{0,5})?",
    fullmatch=True,
)
ODD = ["", "://", "?", "#", "/", "http://", "\n", "mailto:a@b", "[::1]", "www.", "www.com", "a%"]


@given(st.text())
def test_any_text_is_the_sum_of_its_parts(text: str) -> None:
    assert str(split(text)) == text


@pytest.mark.parametrize("text", ODD, ids=repr)
@pytest.mark.parametrize("name", [*MEANINGLESS, *ADDITIONS])
def test_no_text_is_too_odd_to_be_changed(name: str, text: str) -> None:
    assert isinstance({**MEANINGLESS, **ADDITIONS}[name](text), str)


@pytest.mark.parametrize(
    ("name", "url", "changed"),
    [
        ("no scheme", "https://a.example/b?c", "a.example/b?c"),
        ("no scheme", "a.example/b", "a.example/b"),
        ("the other scheme", "http://a.example/", "https://a.example/"),
        ("the other scheme", "HTTPS://a.example/", "http://a.example/"),
        ("the other scheme", "http://a.example:80/", "http://a.example:80/"),
        ("with or without www", "http://www.a.example/", "http://a.example/"),
        ("with or without www", "a.example", "www.a.example"),
        ("with or without www", "http://192.0.2.1/x", "http://192.0.2.1/x"),
        ("with or without www", "http://[2001:db8::1]/x", "http://[2001:db8::1]/x"),
        ("host in upper case", "http://u:p@a.example/b", "http://u:p@A.EXAMPLE/b"),
        ("host in upper case", "http://stra\u00dfe.example", "http://STRA\u00dfE.EXAMPLE"),
        ("with or without a trailing slash", "a.example", "a.example/"),
        ("with or without a trailing slash", "a.example/b/", "a.example/b"),
        ("with or without a trailing slash", "a.example/b.html", "a.example/b.html"),
        ("with or without a trailing slash", "a.example/b?c", "a.example/b?c"),
        ("letters percent-encoded", "a.example/%41bcdefg", "a.example/%41bcde%66g"),
        ("default port", "https://a.example/b", "https://a.example:443/b"),
        ("default port", "http://a.example", "http://a.example:80"),
        ("default port", "http://a.example:8080/b", "http://a.example:8080/b"),
        ("all in lower case", "http://A.example/B", "http://a.example/b"),
        ("query `v=1.js`", "http://a.example/b?c=d#e", "http://a.example/b?c=d&v=1.js#e"),
        ("query `v=1.js`", "http://a.example", "http://a.example?v=1.js"),
        ("fragment `#main-content`", "a.example/b#c", "a.example/b#main-content"),
        ("`/logo.png` at the end", "a.example/b/?c", "a.example/b/logo.png?c"),
        ("a brand in the path", "a.example", "a.example/www.microsoft.com/en-us/"),
        ("`/static/` in the path", "a.example/b", "a.example/static/images/b"),
        ("subdomain `cdn`", "http://www.a.example/b", "http://cdn.a.example/b"),
        ("subdomain `cdn`", "http://192.0.2.1/b", "http://192.0.2.1/b"),
    ],
    ids=str,
)
def test_a_change_does_what_its_name_says(name: str, url: str, changed: str) -> None:
    assert {**MEANINGLESS, **ADDITIONS}[name](url) == changed


def meaning(url: str) -> tuple[str, str, str]:
    """Host, path and query as a standard reader has them, without what carries no meaning."""
    read = urlsplit(re.sub("(?i)^https?://", "//", url) if "://" in url else f"//{url}")
    host = re.sub(r"^www\.(?=.*\.)", "", (read.hostname or "").lower())
    return host, unquote(read.path).rstrip("/").lower(), read.query.lower()


@given(URLS)
def test_changes_without_meaning_keep_host_path_and_query(url: str) -> None:
    for name, change in MEANINGLESS.items():
        assert meaning(change(url)) == meaning(url), name


@given(URLS)
def test_additions_stay_with_whoever_owns_the_host(url: str) -> None:
    owned = meaning(url)[0]
    for name, addition in ADDITIONS.items():
        added = addition(url)
        assert added != url or name.startswith("fragment"), name
        host = meaning(added)[0]
        assert host == owned or host.endswith(f".{owned.removeprefix('www.')}"), name
