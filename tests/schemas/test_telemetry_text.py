from __future__ import annotations

import json
from dataclasses import fields

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.causes import Cause
from schemas.contracts import contract
from schemas.events import Events
from schemas.limits import DEFAULT_LIMITS
from schemas.telemetry_path import PATH
from schemas.telemetry_text import URL, Subject, decode, decode_lines

SUBJECTS = (URL, PATH)
SCHEMA = Draft202012Validator(contract("telemetry-url"))
MAX_RECORD_BYTES = DEFAULT_LIMITS.max_text_record_bytes

EDGE_IDS = st.sampled_from(
    [
        *(2**63 + step for step in (-1, 0, 1)),
        *(-(2**63) + step for step in (-1, 0, 1, 2)),
        *(2**64 + step for step in (-2049, -2, -1, 0, 1)),
        *(0, -0.0, 1.0, 1.5, 1e15, 1e19, 1.8446744073709552e19, -9.223372036854776e18, 1e300),
        *(True, False, None, "", "x" * 1024, "x" * 1025, "😀" * 1024, "😀" * 1025),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
URLS = st.text(min_size=1) | st.builds(
    lambda char, length: char * length,
    st.sampled_from(["a", "é", "😀", "\0", '"']),
    st.sampled_from([0, 1, 65_535, 65_536, 65_537]),
)
EVENTS = st.builds(
    lambda further, known: further | known,
    st.dictionaries(st.text(max_size=8), JSON, max_size=3),
    st.fixed_dictionaries(
        {},
        optional={
            "url": URLS | JSON,
            "id": EDGE_IDS | JSON,
            "observed_at": st.text() | JSON,
            "kind": st.sampled_from(["file", "registry"]) | JSON,
        },
    ),
)
DOCUMENTS = st.builds(
    lambda value, ascii_only: json.dumps(value, ensure_ascii=ascii_only).encode(),
    EVENTS | JSON,
    st.booleans(),
)


def one(value: bytes | None) -> Events:
    return decode([value], URL)


def cause_of(value: bytes | None) -> Cause:
    events = one(value)
    assert len(events) == 0
    return events.rejects.causes[0]


@given(DOCUMENTS)
def test_decoder_accepts_what_the_schema_validates(document: bytes) -> None:
    assert len(one(document)) == int(SCHEMA.is_valid(orjson.loads(document)))


@given(st.lists(st.none() | st.binary(max_size=40) | DOCUMENTS, max_size=8))
def test_every_record_is_accepted_or_refused_once(values: list[bytes | None]) -> None:
    events = decode(values, URL)
    rows = [*events.rows.tolist(), *events.rejects.rows.tolist()]
    assert sorted(rows) == list(range(len(values)))
    assert (
        len(events)
        == len(events.rows)
        == len(events.event_ids)
        == len(events.observed_at)
        == len(events.further)
        == len(events.omitted)
    )
    assert (
        len(events.rejects)
        == len(events.rejects.rows)
        == len(events.rejects.causes)
        == len(events.rejects.details)
    )


@given(st.lists(DOCUMENTS, max_size=4), st.sampled_from(SUBJECTS))
def test_a_bad_record_beside_them_changes_nothing_of_the_others(
    values: list[bytes], subject: Subject
) -> None:
    values = [value.replace(b'"url"', b'"%b"' % subject.field.encode()) for value in values]
    alone, beside = decode(values, subject), decode([*values, None], subject)
    for column in fields(Events):
        given_alone, given_beside = getattr(alone, column.name), getattr(beside, column.name)
        if column.name == "rows":
            assert given_alone.tolist() == given_beside.tolist()
        elif column.name == "rejects":
            assert list(given_alone.causes) == list(given_beside.causes)[:-1]
            assert list(given_alone.details) == list(given_beside.details)[:-1]
        else:
            # An id that is 1 is no id that is 1.0.
            assert repr(given_alone) == repr(given_beside)


@given(DOCUMENTS)
def test_what_is_accepted_is_carried_exactly(document: bytes) -> None:
    events = one(document)
    if not len(events):
        return
    parsed = orjson.loads(document)
    assert events.subjects == [parsed["url"]]
    assert events.event_ids == [parsed.get("id")]
    observed_at = events.observed_at[0]
    known = {"url", "id"}
    if observed_at is not None:
        assert observed_at == parsed["observed_at"]
        known.add("observed_at")
    elif parsed.get("observed_at") is None:
        known.add("observed_at")
    further = {name: value for name, value in parsed.items() if name not in known}
    carried = events.further[0] or {}
    assert all(further[name] == value for name, value in carried.items())
    assert len(further) == len(carried) + len(events.omitted[0])


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


REFUSED = {
    "no value": (None, Cause.TOMBSTONE),
    "empty value": (b"", Cause.EMPTY_VALUE),
    "white space": (b" \n", Cause.NOT_JSON),
    "plain text": (b"http://example.com/", Cause.NOT_JSON),
    "cut off": (b'{"url": "http://exam', Cause.NOT_JSON),
    "two documents": (b'{"url": "a"} {"url": "b"}', Cause.NOT_JSON),
    "trailing comma": (b'{"url": "a",}', Cause.NOT_JSON),
    "single quotes": (b"{'url': 'a'}", Cause.NOT_JSON),
    "comment": (b'{"url": "a"} // b', Cause.NOT_JSON),
    "byte order mark": (b'\xef\xbb\xbf{"url": "a"}', Cause.NOT_JSON),
    "NaN": (b'{"url": "a", "n": NaN}', Cause.NOT_JSON),
    "infinity": (b'{"url": "a", "n": -Infinity}', Cause.NOT_JSON),
    "beyond a double": (b'{"url": "a", "n": 1e400}', Cause.NOT_JSON),
    "lone high surrogate": (b'{"url": "\\ud800"}', Cause.NOT_JSON),
    "lone low surrogate": (b'{"url": "\\udc00"}', Cause.NOT_JSON),
    "raw control character": (b'{"url": "a\nb"}', Cause.NOT_JSON),
    "deep beyond measure": (b'{"url": "a", "n": ' + nested(100_000) + b"}", Cause.NOT_JSON),
    "open brackets": (b"[" * 1_000_000, Cause.NOT_JSON),
    "Latin-1": (b'{"url": "caf\xe9"}', Cause.INVALID_UTF8),
    "surrogate in UTF-8": (b'{"url": "\xed\xa0\x80"}', Cause.INVALID_UTF8),
    "overlong UTF-8": (b'{"url": "\xc0\x80"}', Cause.INVALID_UTF8),
    "UTF-16": ('{"url": "a"}'.encode("utf-16"), Cause.INVALID_UTF8),
    "compressed": (b"\x1f\x8b\x08\x00", Cause.INVALID_UTF8),
    "array": (b'["http://example.com/"]', Cause.NOT_AN_OBJECT),
    "string": (b'"http://example.com/"', Cause.NOT_AN_OBJECT),
    "null": (b"null", Cause.NOT_AN_OBJECT),
    "no url": (b"{}", Cause.SUBJECT_MISSING),
    "other case": (b'{"URL": "a"}', Cause.SUBJECT_MISSING),
    "url within": (b'{"http": {"url": "a"}}', Cause.SUBJECT_MISSING),
    "null url": (b'{"url": null}', Cause.NOT_A_STRING),
    "number": (b'{"url": 17}', Cause.NOT_A_STRING),
    "list of urls": (b'{"url": ["a"]}', Cause.NOT_A_STRING),
    "last of duplicates bad": (b'{"url": "a", "url": 1}', Cause.NOT_A_STRING),
    "empty url": (b'{"url": ""}', Cause.EMPTY),
    "long url": (b'{"url": "' + b"a" * 65_537 + b'"}', Cause.TOO_LONG),
    "oversized": (b'{"url": "a"}' + b" " * MAX_RECORD_BYTES, Cause.OVERSIZED),
    "long id": (b'{"url": "a", "id": "' + b"i" * 1025 + b'"}', Cause.BAD_ID),
    "object as id": (b'{"url": "a", "id": {}}', Cause.BAD_ID),
    "boolean as id": (b'{"url": "a", "id": true}', Cause.BAD_ID),
    "fraction as id": (b'{"url": "a", "id": 1.5}', Cause.BAD_ID),
    "id beyond 64 bits": (b'{"url": "a", "id": 18446744073709551616}', Cause.BAD_ID),
    "id below 64 bits": (b'{"url": "a", "id": -9223372036854775809}', Cause.BAD_ID),
}


@pytest.mark.parametrize(("value", "cause"), REFUSED.values(), ids=REFUSED.keys())
def test_bad_input_is_refused_by_its_code(value: bytes | None, cause: Cause) -> None:
    assert cause_of(value) == cause


ACCEPTED = {
    "odd scheme": "jAvAsCrIpT:alert(1)",
    "no scheme": "example.com/a",
    "not a url": "hello",
    "internationalised": "https://пример.рф/путь",
    "punycode": "https://xn--e1afmkfd.xn--p1ai/",
    "percent-encoding": "http://a/%00%zz%",
    "control characters": "http://a/\0\x07\x1b[31m\r\n\x7f\u0085",
    "bidirectional": "http://a/\u202egpj.exe",
    "lone combining mark": "\u0301",
    "beyond the basic plane": "http://a/😀",
    "non-character": "\uffff\ufdd0",
    "one space": " ",
    "longest": "😀" * 65_536,
}


@pytest.mark.parametrize("url", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_whatever_a_url_looks_like_it_is_taken_exactly(url: str) -> None:
    for ascii_only in (True, False):
        assert one(json.dumps({"url": url}, ensure_ascii=ascii_only).encode()).subjects == [url]


def test_last_of_duplicate_keys_wins() -> None:
    assert one(b'{"url": 1, "url": "b", "id": {}, "id": 7}').event_ids == [7]


IDS = {
    "string": (b'"a"', "a"),
    "empty string": (b'""', ""),
    "integer": (b"-17", -17),
    "largest": (b"18446744073709551615", 2**64 - 1),
    "least": (b"-9223372036854775807", -(2**63) + 1),
    "integer written with a fraction": (b"1.0", 1),
    "null": (b"null", None),
}


@pytest.mark.parametrize(("written", "carried"), IDS.values(), ids=IDS.keys())
def test_ids_are_carried(written: bytes, carried: str | int | None) -> None:
    events = one(b'{"url": "a", "id": ' + written + b"}")
    assert events.event_ids == [carried]
    assert type(events.event_ids[0]) is type(carried)
    assert events.further == [None]


def test_observed_at_is_carried_when_it_is_a_time() -> None:
    events = one(b'{"url": "a", "observed_at": "2026-11-24T08:30:00+01:00"}')
    assert events.observed_at == ["2026-11-24T08:30:00+01:00"]
    assert events.further == [None]


@pytest.mark.parametrize("written", ['"yesterday"', "1795509000", '"2026-11-24"', "{}", "false"])
def test_observed_at_that_is_no_time_is_carried_as_it_is(written: str) -> None:
    events = one(f'{{"url": "a", "observed_at": {written}}}'.encode())
    assert events.observed_at == [None]
    assert events.further == [{"observed_at": json.loads(written)}]


def test_null_observed_at_counts_as_not_given() -> None:
    events = one(b'{"url": "a", "observed_at": null}')
    assert events.observed_at == [None]
    assert events.further == [None]


def test_further_fields_too_large_are_left_out_and_named() -> None:
    value = orjson.dumps({"url": "a", "page": "x" * 5000, "user": "ann"})
    events = one(value)
    assert events.further == [{"user": "ann"}]
    assert events.omitted == [("page",)]


def test_size_limit_is_the_callers() -> None:
    value = b'{"url": "a"}'
    assert len(decode([value], URL, max_bytes=len(value))) == 1
    assert decode([value], URL, max_bytes=len(value) - 1).rejects.causes == [Cause.OVERSIZED]


def test_much_at_once_is_taken_as_little_is() -> None:
    whole = [orjson.dumps({"url": "http://a.example/" + "x" * 60_000, "id": i}) for i in range(80)]
    events = decode(whole, URL)
    assert events.event_ids == list(range(80))
    assert events.rows.tolist() == list(range(80))


def test_one_bad_record_costs_one_record() -> None:
    events = decode([b'{"url": "a"}', b"nonsense", None, b'{"url": "b"}'], URL)
    assert events.subjects == ["a", "b"]
    assert events.rows.tolist() == [0, 3]
    assert events.rejects.rows.tolist() == [1, 2]


def test_other_subjects_have_their_own_field_and_length() -> None:
    path = Subject(field="path", max_code_points=3)
    events = decode([b'{"path": "abc", "url": 5}', b'{"path": "abcd"}', b'{"url": "a"}'], path)
    assert events.subjects == ["abc"]
    assert events.further == [{"url": 5}]
    assert events.rejects.causes == [Cause.TOO_LONG, Cause.SUBJECT_MISSING]


@pytest.mark.parametrize(
    ("field", "longest"), [("id", 5), ("observed_at", 5), ("kind", 5), ("url", 0)]
)
def test_impossible_subjects_are_errors(field: str, longest: int) -> None:
    with pytest.raises(ValueError, match="Subject"):
        Subject(field=field, max_code_points=longest)


@pytest.mark.parametrize("value", [v for v, _ in REFUSED.values()], ids=REFUSED.keys())
def test_details_quote_nothing_of_the_record(value: bytes | None) -> None:
    marked = None if value is None else value.replace(b"a", b"Zq")
    detail = decode([marked], URL).rejects.details
    assert all("Zq" not in sentence and sentence.isprintable() for sentence in detail)


def test_lines_of_text_are_held_to_the_same_limits() -> None:
    lines = [b"http://a/", b"", b"caf\xe9", b"a" * 65_537, b"a" * (MAX_RECORD_BYTES + 1), b"{}"]
    events = decode_lines(lines, URL)
    assert events.subjects == ["http://a/", "{}"]
    assert events.rows.tolist() == [0, 5]
    assert events.event_ids == [None, None]
    assert events.observed_at == [None, None]
    assert events.further == [None, None]
    assert events.omitted == [(), ()]
    assert events.rejects.rows.tolist() == [1, 2, 3, 4]
    assert events.rejects.causes == [
        Cause.EMPTY,
        Cause.INVALID_UTF8,
        Cause.TOO_LONG,
        Cause.OVERSIZED,
    ]
