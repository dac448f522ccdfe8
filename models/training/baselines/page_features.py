"""Hand-made features of HTML pages: shares and rates, none of which is the page's length."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from models.training.baselines.boosting import HandMade

# Of larger pages the beginning: rates settle long before, and most pages are smaller.
MOST_BYTES = 1 << 18
TAGS = (
    *(b"a", b"form", b"input", b"script", b"iframe", b"img", b"meta", b"link", b"div", b"span"),
    *(b"style", b"table", b"td", b"p", b"li", b"h1", b"h2", b"button", b"object", b"embed", b"svg"),
    *(b"br", b"font", b"center", b"section", b"article", b"nav", b"label", b"option"),
)
WORDS = (
    *(b"eval(", b"unescape", b"fromcharcode", b"document.write", b"atob(", b"password", b"hidden"),
    *(b"onload", b"onclick", b"refresh", b"activexobject", b"http://", b"https://", b"data:"),
    *(b".php", b"login", b"verify", b"account", b"copyright", b"function", b"window.location"),
    *(b"javascript:", b"base64", b"<!--", b"class=", b"id=", b"style=", b"href=", b"charset"),
)
SHARED_BYTES = (b"%", b"\\", b"<", b"\n", b" ", b"=", b'"', b"'", b";", b"0", b"&")
_TAG = re.compile(rb"<([a-z][a-z0-9]*)")
_SCRIPT = re.compile(rb"<script.*?</script|<style.*?</style", re.DOTALL)
_BEYOND_ASCII = bytes(range(128))
_DIGITS = b"0123456789"
NAMES = (
    *(f"share of tags: {tag.decode()}" for tag in TAGS),
    *(f"a kilobyte: {word.decode()}" for word in WORDS),
    *(f"share of bytes: {byte!r}" for byte in SHARED_BYTES),
    *("tags a kilobyte", "share in scripts and styles", "share beyond ASCII", "share of digits"),
)


def row(page: bytes) -> Sequence[float]:
    """The numbers of one page, in the order of ``NAMES``."""
    folded = page[:MOST_BYTES].lower()
    size = max(1, len(folded))
    tags = Counter(_TAG.findall(folded))
    every = max(1, tags.total())
    return (
        *(tags[tag] / every for tag in TAGS),
        *(1024 * folded.count(word) / size for word in WORDS),
        *(folded.count(byte) / size for byte in SHARED_BYTES),
        1024 * tags.total() / size,
        sum(map(len, _SCRIPT.findall(folded))) / size,
        len(folded.translate(None, _BEYOND_ASCII)) / size,
        1 - len(folded.translate(None, _DIGITS)) / size,
    )


PAGE_FEATURES = HandMade(names=NAMES, classes=frozenset(), row=row)
