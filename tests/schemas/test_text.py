from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.text import defang, shortened, visible

ANY_TEXT = st.text(st.characters())  # surrogates included
URLISH = st.lists(
    st.sampled_from(
        [
            "http",
            "HTTPS",
            "ftp",
            "hxxp",
            "javascript:",
            "ht",
            "tp",
            ":",
            "//",
            "/",
            "\\",
            "?u=",
            "#",
            "@",
            "user",
            "a.example",
            ".",
            "。",
            "[.]",
            "[2001:db8::1]",
            " ",
            "x",
            "1",
            "+",
            "-",
        ]
    ),
    max_size=12,
).map("".join)


@given(ANY_TEXT)
def test_visible_text_prints_as_itself(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in shown)
    assert visible(shown) == shown
    shown.encode()


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_printable_text_stays_as_it_is(text: str) -> None:
    if text.isprintable():
        assert visible(text) == text


SEEN = {
    "escape sequence": ("\x1b[2J", "\\x1b[2J"),
    "right-to-left override": ("a\u202eb", "a\\u202eb"),
    "isolate": ("\u2066", "\\u2066"),
    "Arabic letter mark": ("\u061c", "\\u061c"),
    "new line": ("a\nb", "a\\nb"),
    "line separator": ("\u2028", "\\u2028"),
    "next line": ("\x85", "\\x85"),
    "zero width": ("a\u200bb", "a\\u200bb"),
    "lone surrogate": ("\udc80", "\\udc80"),
    "tag": ("\U000e0041", "\\U000e0041"),
    "no-break space": ("\xa0", "\\xa0"),
    "Windows path": ("C:\\new", "C:\\new"),
    "letters of all lands": ("пример 测试 😀", "пример 测试 😀"),
}


@pytest.mark.parametrize(("text", "shown"), SEEN.values(), ids=SEEN.keys())
def test_what_people_see(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(URLISH | ANY_TEXT)
def test_defanged_text_holds_no_address(text: str) -> None:
    harmless = defang(text)
    assert re.search(r"(?i)https?:", harmless) is None
    assert re.search(r"(?i)(?<!hxxp)(?<!hxxps)://", harmless) is None
    host = re.split(r"[/?#\\\s]", harmless, maxsplit=1)[0]
    assert re.search("(?<!\\[)[.\u3002\uff0e\uff61]", host) is None
    assert defang(harmless) == harmless


@given(st.text(st.characters(max_codepoint=0x7F)) | URLISH)
def test_defanging_takes_nothing_away(text: str) -> None:
    if any(mark in text.lower() for mark in ("[", "hxxp", "。")):
        return
    restored = defang(text).replace("[:]", ":").replace("[.]", ".")
    assert re.sub("(?i)(h)xx(ps?:)", r"\1tt\2", restored).lower() == text.lower()


DEFANGED = {
    "http": ("http://evil.example/a.php", "hxxp://evil[.]example/a.php"),
    "https in capitals": ("HTTPS://EVIL.EXAMPLE", "HxxPS://EVIL[.]EXAMPLE"),
    "no scheme": ("evil.example/a.b", "evil[.]example/a.b"),
    "no scheme, port": ("evil.example:8080/a.b", "evil[.]example:8080/a.b"),
    "network path": ("//evil.example/a.b", "//evil[.]example/a.b"),
    "other scheme": ("ftp://evil.example/a.b", "ftp[:]//evil[.]example/a.b"),
    "user": ("http://u.v@evil.example/", "hxxp://u[.]v@evil[.]example/"),
    "address in the query": ("http://a.b/?u=http://c.d/", "hxxp://a[.]b/?u=hxxp://c[.]d/"),
    "backslashes": ("http:\\\\evil.example\\a.b", "hxxp:\\\\evil[.]example\\a.b"),
    "ideographic full stop": ("http://evil。example/", "hxxp://evil[.]example/"),
    "no slashes": ("http:evil.example", "hxxp:evil[.]example"),
    "IPv4": ("http://192.0.2.7/", "hxxp://192[.]0[.]2[.]7/"),
    "defanged already": ("hxxp://evil[.]example/", "hxxp://evil[.]example/"),
    "empty": ("", ""),
}


@pytest.mark.parametrize(("url", "harmless"), DEFANGED.values(), ids=DEFANGED.keys())
def test_defanged(url: str, harmless: str) -> None:
    assert defang(url) == harmless


@given(st.text(), st.integers(1, 20))
def test_shortened_text_fits_and_says_that_it_was_cut(text: str, longest: int) -> None:
    short = shortened(text, longest)
    assert len(short) <= longest
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))
