"""Distinct events in millions, made of the real ones of deploy/sample.

No figure may come from judging the same text twice, and there are some thousand real URLs and
paths. So beginnings and ends of real ones are put together anew: every host with every path and
query, every folder with every name. Each pair comes once, and the first texts are the sample as
it is. Lengths, characters and words are those of real ones, and so is what a featuriser and a
network have to do; which labels come out is not (`weir evaluate` is for that).
"""

from __future__ import annotations

import base64
import gzip
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

SAMPLE: Final = Path(__file__).parents[2] / "deploy" / "sample"
_FILES: Final = {"url": "urls", "path": "paths", "html": "pages"}
# Where a text falls into a beginning and an end: a URL after its host, a path before its name.
_BEGINNINGS: Final = {
    "url": re.compile(r"(?:[a-zA-Z][a-zA-Z0-9+.-]*://)?[^/?#\\]*"),
    "path": re.compile(r".*[\\/]", re.DOTALL),
}


def real(detector: str) -> int:
    """How many real texts there are."""
    return len(set(_subjects(detector, detector)))


def texts(detector: str) -> Iterator[str]:
    """Distinct URLs or paths, for ever.

    Raises:
        KeyError: it is no detector of texts.
    """
    real = list(dict.fromkeys(_subjects(detector, detector)))
    yield from real
    given = set(real)
    pairs = [_parts(text, _BEGINNINGS[detector]) for text in real]
    begins = list(dict.fromkeys(begin for begin, _ in pairs))
    ends = list(dict.fromkeys(end for _, end in pairs if end))
    for copy in itertools.count():
        # After some millions of pairs, again with a number that no real one ends with.
        mark = f"~{copy}" if copy else ""
        # By diagonals, so that neighbours have nothing in common.
        for step, place in itertools.product(range(len(ends)), range(len(begins))):
            text = begins[place] + ends[(place + step) % len(ends)] + mark
            if text not in given:
                yield text


def pages() -> Iterator[bytes]:
    """Distinct HTML pages, for ever: the real ones, then each with a number at its end."""
    plain = (page.encode() for page in _subjects("html", "html"))
    encoded = (base64.b64decode(page) for page in _subjects("html", "html_base64"))
    real = list(dict.fromkeys([*plain, *encoded]))
    yield from real
    for copy in itertools.count(1):
        for page in real:
            yield page + b"<!-- %d -->" % copy


def events(detector: str) -> Iterator[bytes]:
    """Distinct events as JSON, with an integer ``id``, for ever."""
    if detector == "html":
        for number, page in enumerate(pages()):
            yield orjson.dumps({"id": number, "html_base64": base64.b64encode(page).decode()})
        return
    for number, text in enumerate(texts(detector)):
        yield orjson.dumps({"id": number, detector: text})


def _parts(text: str, beginning: re.Pattern[str]) -> tuple[str, str]:
    found = beginning.match(text)
    at = found.end() if found else 0
    return text[:at], text[at:]


def _subjects(detector: str, field: str) -> Iterator[str]:
    """What the sample has in a field, as strings; packed pages and bad records are left out."""
    with gzip.open(SAMPLE / f"{_FILES[detector]}.jsonl.gz", "rb") as lines:
        for line in lines:
            try:
                event: Any = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if not isinstance(event, dict) or "encoding" in event:
                continue
            subject = event.get(field)
            if isinstance(subject, str) and subject:
                yield subject
