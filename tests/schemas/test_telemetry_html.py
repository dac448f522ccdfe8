from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.causes import Cause
from schemas.contracts import contract
from schemas.events import Events
from schemas.limits import DecodingLimits
from schemas.telemetry import DECODERS

SCHEMA = Draft202012Validator(contract("telemetry-html"))
PACK: dict[str | None, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    None: bytes,
}


def decode(*values: bytes | None) -> Events:
    return DECODERS["html"](values)


def coded(page: bytes) -> str:
    return base64.b64encode(page).decode()


def event(**fields: Any) -> bytes:
    return orjson.dumps(fields)


JSON = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text(max_size=5)
    | st.lists(st.text(max_size=3), max_size=2)
)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "html": st.text(max_size=20) | JSON,
        "html_base64": st.binary(max_size=20).map(coded)
        | st.text(st.sampled_from("Aa9+/=-_ "), max_size=9)
        | JSON,
        # What packed bytes hold is no matter of the schema; see the round trips below.
        "encoding": st.sampled_from(["identity", None]) | JSON,
        "url": st.sampled_from(["", "http://a/", "x" * 65_536, "x" * 65_537]) | JSON,
        "id": JSON,
        "observed_at": JSON,
        "status": JSON,
    },
).filter(lambda event: "\n" not in str(event.get("html_base64")))


@given(EVENTS, st.booleans())
def test_decoder_accepts_what_the_schema_validates(
    fields: dict[str, object], ascii_only: bool
) -> None:
    document = json.dumps(fields, ensure_ascii=ascii_only).encode()
    assert len(decode(document)) == int(SCHEMA.is_valid(fields))


@given(
    page=st.binary(max_size=200),
    encoding=st.sampled_from(list(PACK)),
    known=st.fixed_dictionaries(
        {}, optional={"url": st.text(min_size=1, max_size=9), "id": st.integers(0, 9)}
    ),
)
def test_pages_of_bytes_are_read_back(
    page: bytes, encoding: str | None, known: dict[str, Any]
) -> None:
    packed = coded(PACK[encoding](page))
    fields = {"html_base64": packed, "encoding": encoding, "user": "ann", **known}
    SCHEMA.validate(fields)
    events = decode(orjson.dumps(fields))
    assert events.subjects == [page]
    assert events.urls == [known.get("url")]
    assert events.event_ids == [known.get("id")]
    assert events.digests == [hashlib.sha256(page).hexdigest()]
    assert events.further == [{"user": "ann"}]
    assert events.kinds is None


@given(st.text(max_size=200), st.booleans())
def test_pages_of_text_are_their_utf8(page: str, ascii_only: bool) -> None:
    events = decode(json.dumps({"html": page}, ensure_ascii=ascii_only).encode())
    assert events.subjects == [page.encode()]


@given(st.text(st.characters(), max_size=20))
def test_lone_surrogates_are_what_utf8_makes_of_them(page: str) -> None:
    utf16 = page.encode("utf-16-le", "surrogatepass")
    sent = utf16.decode("utf-16-le", "replace").encode()
    assert decode(json.dumps({"html": page, "id": 1}).encode()).subjects == [sent]


PAGES = {
    "empty": b"",
    "not UTF-8": b"<p>caf\xe9\xff\xfe</p>",
    "binary": bytes(range(256)) * 100,
    "zeros": bytes(1000),
    "UTF-16": "<p>é".encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf<p>",
    "deeply nested": b"<div>" * 100_000,
    "no HTML": b"%PDF-1.7",
    "20 MB": b"<p>welcome</p>\n" * 1_400_000,
    "lone surrogate in UTF-8": b"\xed\xa0\x80",
}


@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_whatever_a_page_looks_like_it_is_taken_exactly(page: bytes, encoding: str) -> None:
    events = decode(event(html_base64=coded(PACK[encoding](page)), encoding=encoding))
    assert events.subjects == [page]


def test_what_is_null_is_not_given() -> None:
    events = decode(
        event(html="a", html_base64=None, encoding=None, url=None, id=None, observed_at=None),
        event(html=None, html_base64="YQ==", url=""),
    )
    assert events.subjects == [b"a", b"a"]
    assert events.urls == [None, None]
    assert events.further == [None, None]


PAGE = coded(b"<p>")
REFUSED: dict[str, tuple[bytes | None, Cause]] = {
    "no value": (None, Cause.TOMBSTONE),
    "a page itself": (b"<!doctype html>", Cause.NOT_JSON),
    "list": (b'["<p>"]', Cause.NOT_AN_OBJECT),
    "no page": (event(url="http://Zq/"), Cause.SUBJECT_MISSING),
    "null pages": (event(html=None, html_base64=None), Cause.SUBJECT_MISSING),
    "two pages": (event(html="Zq", html_base64=PAGE), Cause.SUBJECT_TWICE),
    "two empty pages": (event(html="", html_base64=""), Cause.SUBJECT_TWICE),
    "number": (event(html=5), Cause.NOT_A_STRING),
    "list in base64": (event(html_base64=[PAGE]), Cause.NOT_A_STRING),
    "base64 without padding": (event(html_base64="YQ"), Cause.NOT_BASE64),
    "base64 in lines": (event(html_base64="YWJj\nYWJj\n"), Cause.NOT_BASE64),
    "page as base64": (event(html_base64="<Zq>"), Cause.NOT_BASE64),
    "packed string": (event(html="Zq", encoding="gzip"), Cause.BAD_ENCODING),
    "unknown encoding": (event(html_base64=PAGE, encoding="Zq"), Cause.BAD_ENCODING),
    "encoding in capitals": (event(html_base64=PAGE, encoding="GZIP"), Cause.BAD_ENCODING),
    "empty encoding": (event(html="Zq", encoding=""), Cause.BAD_ENCODING),
    "number as encoding": (event(html="Zq", encoding=1), Cause.BAD_ENCODING),
    "list as encoding": (event(html_base64=PAGE, encoding=["gzip"]), Cause.BAD_ENCODING),
    "not gzip": (event(html_base64=PAGE, encoding="gzip"), Cause.BAD_PACKING),
    "not zstd": (event(html_base64=PAGE, encoding="zstd"), Cause.BAD_PACKING),
    "large string": (event(html="é" * 501), Cause.PAGE_TOO_LARGE),
    "large in base64": (event(html_base64=coded(bytes(1001))), Cause.PAGE_TOO_LARGE),
    "large when unpacked": (
        event(html_base64=coded(gzip.compress(bytes(1001))), encoding="gzip"),
        Cause.PAGE_TOO_LARGE,
    ),
    "number as url": (event(html="Zq", url=7), Cause.BAD_URL),
    "list as url": (event(html="Zq", url=["http://Zq/"]), Cause.BAD_URL),
    "long url": (event(html="Zq", url="x" * 65_537), Cause.BAD_URL),
    "object as id": (event(html="Zq", id={}), Cause.BAD_ID),
    "oversized": (event(html="Zq").ljust(2**20 + 3001), Cause.OVERSIZED),
}
SMALL = DecodingLimits(max_page_bytes=1000)


@pytest.mark.parametrize(("value", "cause"), REFUSED.values(), ids=REFUSED.keys())
def test_bad_input_is_refused_by_its_code(value: bytes | None, cause: Cause) -> None:
    events = DECODERS["html"]([event(html="good"), value, event(html="too")], SMALL)
    assert events.subjects == [b"good", b"too"]
    assert events.rejects.rows.tolist() == [1]
    assert events.rejects.causes == [cause]
    (detail,) = events.rejects.details
    assert "Zq" not in detail
    assert detail.isprintable()


TOLD = {
    "too large": (event(html="x" * 1001), "1001 bytes; at most 1000"),
    "packed too large": (
        event(html_base64=coded(gzip.compress(bytes(2000))), encoding="gzip"),
        "more than 1000 bytes after decompression",
    ),
    "unknown encoding": (event(html="a", encoding="br"), "identity, gzip, zstd"),
    "packed string": (event(html="a", encoding="zstd"), "send `html_base64`"),
    "long url": (event(html="a", url="x" * 70_000), "70000 characters; at most 65536"),
    "cut off": (
        event(html_base64=coded(gzip.compress(b"page")[:20]), encoding="gzip"),
        "not whole gzip data: it ends early, after 20 bytes",
    ),
}


@pytest.mark.parametrize(("value", "told"), TOLD.values(), ids=TOLD.keys())
def test_details_tell_key_value_and_limit(value: bytes, told: str) -> None:
    (detail,) = DECODERS["html"]([value], SMALL).rejects.details
    assert told in detail


def test_a_page_at_its_limit_is_taken() -> None:
    values = [
        event(html="é" * 500),
        event(html_base64=coded(bytes(1000))),
        event(html_base64=coded(zstandard.compress(bytes(1000))), encoding="zstd"),
    ]
    assert [len(page) for page in DECODERS["html"](values, SMALL).subjects] == [1000] * 3
