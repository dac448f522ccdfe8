from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.causes import Cause, Stage
from schemas.contracts import contract
from schemas.dead_letter import (
    KEPT_BYTES,
    MAX_OWN_BYTES,
    DeadLetters,
    Header,
    Headers,
    encode,
    first_origins,
    origin,
    record_bytes,
)
from schemas.origin import Origin, Origins

SCHEMA = Draft202012Validator(contract("dead-letter"))
ORIGIN = Origin("telemetry.urls", 3, 1042, 1795509000123)
OUR_ROOM = 2048

BYTES = st.none() | st.binary(max_size=20)
SIZES = st.sampled_from([0, 10, 3000, 70_000, 200_000])
BIG = BYTES | st.builds(lambda size: b"v" * size, SIZES)
NAMES = st.text(max_size=8).filter(lambda name: not name.startswith("weir-"))
HEADERS = st.lists(st.tuples(NAMES, BYTES), max_size=4)
OURS = st.lists(
    st.tuples(
        st.sampled_from(sorted(contract("dead-letter")["properties"])) | st.just("weir-new"),
        BYTES | st.sampled_from([b"true", b"0", b"17", b"-1", b"t", b"value", b"a" * 64]),
    ),
    max_size=14,
)
TOPICS = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True)
ORIGINS = st.builds(
    Origin,
    TOPICS,
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**63 - 1),
    st.integers(-1, 2**63 - 1),
)


def letter(
    key: bytes | None = b"k",
    value: bytes | None = b"v",
    headers: Headers = (),
    *,
    cause: Cause = Cause.NOT_JSON,
    detail: str = "",
    at: Origin = ORIGIN,
) -> DeadLetters:
    return DeadLetters(
        origins=Origins.of_topic(
            at.topic,
            np.array([at.partition], np.int32),
            np.array([at.offset], np.int64),
            np.array([at.timestamp], np.int64),
        ),
        keys=[key],
        values=[value],
        headers=[headers],
        causes=[cause],
        details=[detail],
        stage=Stage.DECODE,
    )


def sent(
    letters: DeadLetters, *, max_bytes: int | None = None, trusted: bool = False
) -> tuple[bytes | None, bytes | None, list[Header]]:
    columns = encode(letters, max_bytes=max_bytes, trusted=trusted)
    return columns.keys[0], columns.values[0], columns.headers[0]


def ours(headers: Headers) -> dict[str, str]:
    found = [(name, value) for name, value in headers if name.startswith("weir-")]
    assert len(dict(found)) == len(found)
    return {name: (value or b"").decode() for name, value in found}


@given(
    key=BIG,
    value=BIG,
    theirs=HEADERS,
    forged=OURS,
    forged_first=st.booleans(),
    cause=st.sampled_from(Cause),
    detail=st.text(st.characters()),
    at=ORIGINS,
    max_bytes=st.none() | st.integers(OUR_ROOM, 250_000),
    trusted=st.booleans(),
)
def test_every_dead_letter_holds_to_the_schema_and_fits(
    *,
    key: bytes | None,
    value: bytes | None,
    theirs: list[Header],
    forged: list[Header],
    forged_first: bool,
    cause: Cause,
    detail: str,
    at: Origin,
    max_bytes: int | None,
    trusted: bool,
) -> None:
    came_with = [*forged, *theirs] if forged_first else [*theirs, *forged]
    letters = letter(key, value, came_with, cause=cause, detail=detail, at=at)
    new_key, new_value, headers = sent(letters, max_bytes=max_bytes, trusted=trusted)
    told = ours(headers)
    SCHEMA.validate(told)
    assert new_key is not None or new_value is not None
    assert told["weir-cause"] == cause
    if max_bytes is not None and len(told["weir-detail"].encode()) < 1000:
        assert record_bytes(new_key, new_value, headers) <= max_bytes
    rest = [header for header in headers if not header[0].startswith("weir-")]
    if "weir-truncated" not in told:
        assert new_key == key
        assert new_value == (b"" if key is None and value is None else value)
        assert rest == theirs
    if not trusted:
        assert origin(headers) == at
        assert ("weir-original-null" in told) == (new_key is None and value is None)


@given(ORIGINS)
def test_origin_is_read_back(at: Origin) -> None:
    assert origin(sent(letter(at=at))[2]) == at


def test_headers_of_a_dead_letter() -> None:
    _, _, headers = sent(letter(headers=[("traceparent", b"00-1")], detail="`url` is missing"))
    assert headers == [
        ("traceparent", b"00-1"),
        ("weir-cause", b"not-json"),
        ("weir-detail", b"`url` is missing"),
        ("weir-stage", b"decode"),
        ("weir-version", b"1"),
        ("weir-origin-topic", b"telemetry.urls"),
        ("weir-origin-partition", b"3"),
        ("weir-origin-offset", b"1042"),
        ("weir-origin-timestamp", b"1795509000123"),
    ]


def test_bytes_key_and_headers_are_untouched_however_odd() -> None:
    headers: list[Header] = [("a", b"\xff"), ("a", None), ("", b""), ("Weir-x", b"1")]
    key, value, sent_headers = sent(letter(b"", b"\xff\x00", headers), max_bytes=10_000)
    assert (key, value) == (b"", b"\xff\x00")
    assert sent_headers[:4] == headers


def test_tombstone_without_a_key_becomes_an_empty_value() -> None:
    key, value, headers = sent(letter(None, None))
    assert (key, value) == (None, b"")
    assert ours(headers)["weir-original-null"] == "true"


def test_tombstone_with_a_key_stays_one() -> None:
    key, value, headers = sent(letter(b"k", None))
    assert (key, value) == (b"k", None)
    assert "weir-original-null" not in ours(headers)


def test_record_too_large_carries_its_first_64_kib() -> None:
    whole = bytes(range(256)) * 4096
    key, value, headers = sent(letter(b"k", whole, [("a", b"1")]), max_bytes=len(whole))
    assert (key, value) == (b"k", whole[:65_536])
    told = ours(headers)
    assert told["weir-truncated"] == "value"
    assert told["weir-original-length"] == str(len(whole))
    assert told["weir-original-sha256"] == hashlib.sha256(whole).hexdigest()
    assert headers[0] == ("a", b"1")


def test_limit_under_64_kib_cuts_to_what_fits() -> None:
    _, value, headers = sent(letter(b"k", b"v" * 50_000), max_bytes=20_000)
    assert value is not None
    assert 18_000 < len(value) < 20_000
    assert record_bytes(b"k", value, headers) <= 20_000


@pytest.mark.parametrize("value", [b"v" * 20, None], ids=["value", "tombstone"])
def test_headers_and_key_are_left_out_only_where_nothing_else_helps(value: bytes | None) -> None:
    large: list[Header] = [("a", b"h" * 5000)]
    key, kept, headers = sent(letter(b"k", value, large), max_bytes=4000)
    assert (key, kept) == (b"k", value)
    assert ours(headers)["weir-truncated"] == "headers"
    key, kept, headers = sent(letter(b"k" * 5000, value, large), max_bytes=4000)
    assert (key, kept) == (None, value or b"")
    told = ours(headers)
    assert told["weir-truncated"] == "headers,key"
    assert ("weir-original-null" in told) == (value is None)


def test_record_that_just_fits_is_untouched() -> None:
    whole = b"v" * 100_000
    size = record_bytes(b"k", whole, sent(letter(b"k", whole))[2])
    assert sent(letter(b"k", whole), max_bytes=size)[1] == whole
    kept = sent(letter(b"k", whole), max_bytes=size - 1)[1]
    assert kept == whole[:KEPT_BYTES]


def test_own_headers_are_bounded_so_that_a_larger_topic_takes_all_values_whole() -> None:
    top = 2**63 - 1
    longest = letter(
        b"k",
        b"v" * 300_000,
        [("weir-original-null", b"true")],
        cause=max(Cause, key=len),
        detail="\U0001f600" * 600,
        at=Origin("t" * 249, 2**31 - 1, top, top),
    )
    cut = sent(longest, max_bytes=100_000, trusted=True)[2]
    assert "weir-truncated" in ours(cut)
    assert record_bytes(b"", b"", cut) - record_bytes(b"", b"", []) < MAX_OWN_BYTES
    largest = record_bytes(b"k", b"v" * 300_000, [])
    _, value, headers = sent(longest, max_bytes=largest + MAX_OWN_BYTES)
    assert value == b"v" * 300_000
    assert "weir-truncated" not in ours(headers)


def test_detail_is_printable_and_bounded() -> None:
    told = ours(sent(letter(detail="\x1b[31m\u202e\udc80" + "é" * 600))[2])
    assert told["weir-detail"].startswith("\\x1b[31m\\u202e\\udc80é")
    assert told["weir-detail"].isprintable()
    assert len(told["weir-detail"]) == 512


def test_redriven_letter_keeps_its_first_origin_only_if_trusted() -> None:
    _, value, headers = sent(letter(headers=[("a", b"1")]))
    later = Origin("telemetry.urls", 0, 99, 5)
    again = letter(b"k", value, headers, cause=Cause.BAD_ID, at=later)
    trusted = sent(again, trusted=True)[2]
    assert origin(trusted) == ORIGIN
    assert ours(trusted)["weir-cause"] == "bad-id"
    assert trusted[0] == ("a", b"1")
    assert origin(sent(again)[2]) == later


def test_redriven_letter_keeps_what_it_says_of_the_original() -> None:
    whole = b"v" * 300_000
    key, value, headers = sent(letter(b"k", whole), max_bytes=200_000)
    again = letter(key, value, [*headers, ("a", b"h" * 70_000)])
    told = ours(sent(again, max_bytes=200_000, trusted=True)[2])
    assert told["weir-truncated"] == "value"
    assert told["weir-original-length"] == "300000"
    assert told["weir-original-sha256"] == hashlib.sha256(whole).hexdigest()
    smaller = ours(sent(again, max_bytes=60_000, trusted=True)[2])
    assert smaller["weir-truncated"] == "value,headers"
    assert smaller["weir-original-length"] == "300000"
    untrusted = ours(sent(again, max_bytes=200_000)[2])
    assert "weir-truncated" not in untrusted


def _origin_headers(**changes: bytes | None) -> list[Header]:
    values: dict[str, bytes | None] = {
        "topic": b"t",
        "partition": b"0",
        "offset": b"0",
        "timestamp": b"-1",
    }
    return [(f"weir-origin-{part}", value) for part, value in (values | changes).items()]


NO_ORIGINS: dict[str, list[Header]] = {
    "none": [],
    "other headers": [("traceparent", b"00-1")],
    "a part missing": _origin_headers()[1:],
    "a part twice": [*_origin_headers(), ("weir-origin-offset", b"0")],
    "null": _origin_headers(offset=None),
    "empty topic": _origin_headers(topic=b""),
    "impossible topic": _origin_headers(topic=b"a b"),
    "topic of two dots": _origin_headers(topic=b".."),
    "topic not ASCII": _origin_headers(topic="ü".encode()),
    "topic too long": _origin_headers(topic=b"t" * 250),
    "topic with newline": _origin_headers(topic=b"t\n"),
    "negative partition": _origin_headers(partition=b"-1"),
    "partition beyond 32 bits": _origin_headers(partition=b"2147483648"),
    "leading zero": _origin_headers(offset=b"007"),
    "minus zero": _origin_headers(offset=b"-0"),
    "plus": _origin_headers(offset=b"+7"),
    "space": _origin_headers(offset=b" 7"),
    "underscore": _origin_headers(offset=b"1_0"),
    "newline": _origin_headers(offset=b"7\n"),
    "other digits": _origin_headers(offset="\u0663".encode()),
    "offset beyond 64 bits": _origin_headers(offset=b"9223372036854775808"),
    "endless": _origin_headers(offset=b"1" * 10_000),
    "timestamp before none": _origin_headers(timestamp=b"-2"),
}


@pytest.mark.parametrize("headers", NO_ORIGINS.values(), ids=NO_ORIGINS.keys())
def test_origin_is_read_strictly(headers: list[Header]) -> None:
    assert origin(headers) is None


def test_first_origins_replace_those_of_redriven_rows_alone() -> None:
    read = Origins.of_topic(
        "telemetry.urls", np.zeros(2, np.int32), np.array([7, 8]), np.array([1, 2])
    )
    first = first_origins(read, [[], _origin_headers(offset=b"5")])
    assert first.topics == ["telemetry.urls", "t"]
    assert first.offsets.tolist() == [7, 5]


def test_schema_lists_every_cause_and_stage() -> None:
    properties = contract("dead-letter")["properties"]
    assert properties["weir-cause"]["enum"] == [cause.value for cause in Cause]
    assert properties["weir-stage"]["enum"] == [stage.value for stage in Stage]
