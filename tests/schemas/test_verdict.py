from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.contracts import contract
from schemas.errors import ContractError, UnknownVersionError
from schemas.evidence import MAX_SPANS, Evidence
from schemas.identity import record_ids, verdict_ids
from schemas.label import Label, Thresholds
from schemas.origin import Origins
from schemas.telemetry import URL, decode
from schemas.verdict import MAX_VERDICT_BYTES, Judge, Model, Verdicts, encode
from schemas.verdict_reader import decode_verdict

SCHEMA = Draft202012Validator(
    contract("verdict"), format_checker=Draft202012Validator.FORMAT_CHECKER
)
JUDGE = Judge(
    detector="url",
    model=Model(name="url", version="1", digest="d" * 64),
    thresholds=Thresholds(suspicious=1.5, malicious=4.25),
)
AT = datetime(2026, 11, 24, 8, 30, 0, 123456, tzinfo=UTC)
FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)


def verdicts_of(texts: list[str], logits: Any, **columns: Any) -> Verdicts:
    given_columns: dict[str, Any] = {
        "judge": JUDGE,
        "scored_at": AT,
        "texts": texts,
        "logits": np.array(logits, np.float32),
        "characters_seen": np.array([min(len(text), 10) for text in texts], np.int64),
    }
    return Verdicts(**given_columns | columns)


@st.composite
def some_verdicts(draw: st.DrawFn) -> Verdicts:
    texts = draw(st.lists(st.text(min_size=1, max_size=30), max_size=4))
    n = len(texts)

    def column(of: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(of, min_size=n, max_size=n))

    spans = {
        row: [
            (start, draw(st.integers(start + 1, len(text))), draw(FLOATS))
            for start in draw(st.lists(st.integers(0, len(text) - 1), max_size=3))
        ]
        for row, text in enumerate(texts)
    }
    columns: dict[str, Any] = {}
    if draw(st.booleans()):
        origins = Origins.of_topic(
            "telemetry.urls",
            np.array(column(st.integers(0, 2**31 - 1)), np.int32),
            np.array(column(st.integers(0, 2**63 - 1)), np.int64),
            np.array(column(st.integers(-1, 2**63 - 1)), np.int64),
        )
        records = record_ids(origins)
        columns |= {
            "origins": origins,
            "record_ids": records,
            "ids": verdict_ids(records, "url", JUDGE.model.digest),
        }
    if draw(st.booleans()):
        ids = st.none() | st.text(max_size=5) | st.integers(-(2**63) + 1, 2**64 - 1)
        columns |= {
            "event_ids": column(ids),
            "observed_at": column(st.sampled_from([None, "2024-02-29T00:00:00.5-08:00"])),
            "further": column(st.none() | st.just({"user": "ann"})),
            "omitted": column(st.just(()) | st.just(("page",))),
            "evidence": Evidence.of_rows(n, spans, exact=draw(st.booleans())),
        }
    return verdicts_of(texts, column(FLOATS), **columns)


@given(some_verdicts())
def test_every_encoded_verdict_holds_to_the_schema_and_is_read_back(verdicts: Verdicts) -> None:
    encoded = encode(verdicts)
    assert len(encoded) == len(verdicts)
    for row, value in enumerate(encoded):
        verdict = decode_verdict(value)
        SCHEMA.validate(verdict)
        assert set(verdict) == set(contract("verdict")["properties"])
        assert verdict["subject"] == verdicts.texts[row]
        assert verdict["logit"] == float(verdicts.logits[row])


@given(some_verdicts())
def test_label_score_and_evidence_follow_from_what_the_verdict_says(verdicts: Verdicts) -> None:
    for value in encode(verdicts):
        verdict = decode_verdict(value)
        logit, thresholds = verdict["logit"], verdict["thresholds"]
        expected = (
            "malicious"
            if logit >= thresholds["malicious"]
            else "suspicious"
            if logit >= thresholds["suspicious"]
            else "benign"
        )
        assert verdict["label"] == expected
        if abs(logit) < 700:
            assert verdict["score"] == pytest.approx(1 / (1 + math.exp(-logit)), rel=1e-12)
        assert verdict["truncated"] == (verdict["characters_seen"] < verdict["subject_length"])
        remainder = verdict["evidence_remainder"]
        assert (remainder is None) == (not verdict["evidence"])
        for span in verdict["evidence"]:
            assert span["text"] == verdict["subject"][span["start"] : span["end"]]
        if remainder is not None:
            weights = [span["weight"] for span in verdict["evidence"]]
            largest = max(abs(part) for part in (*weights, logit))
            assert math.fsum([*weights, remainder]) == pytest.approx(logit, abs=1e-12 * largest)


def test_examples_of_the_schema_hold_to_it_and_their_ids_can_be_worked_out() -> None:
    on_kafka, off_kafka = contract("verdict")["examples"]
    for example in (on_kafka, off_kafka):
        SCHEMA.validate(example)
        decode_verdict(orjson.dumps(example))
    source = on_kafka["source"]
    origins = Origins.of_topic(
        source["topic"],
        np.array([source["partition"]], np.int32),
        np.array([source["offset"]], np.int64),
        np.array([source["timestamp"]], np.int64),
    )
    assert record_ids(origins) == [on_kafka["record_id"]]
    assert verdict_ids([on_kafka["record_id"]], "url", on_kafka["model"]["digest"]) == [
        on_kafka["id"]
    ]
    assert off_kafka["id"] is off_kafka["record_id"] is off_kafka["source"] is None


def test_encoding_is_the_same_every_time() -> None:
    verdicts = verdicts_of(["a", "b"], [1.0, 5.0])
    assert encode(verdicts) == encode(verdicts)


def test_only_the_rows_asked_for_are_encoded() -> None:
    verdicts = verdicts_of(["a", "b", "c"], [0.0, 5.0, 2.0])
    loud = np.flatnonzero(verdicts.severities() >= Label.SUSPICIOUS.severity)
    assert encode(verdicts, loud) == [encode(verdicts)[1], encode(verdicts)[2]]
    assert encode(verdicts, np.array([], np.int64)) == []


def test_time_is_utc_to_the_millisecond() -> None:
    assert decode_verdict(encode(verdicts_of(["a"], [0.0]))[0])["scored_at"] == (
        "2026-11-24T08:30:00.123Z"
    )


def test_long_subjects_are_cut_and_evidence_beyond_the_cut_keeps_its_text() -> None:
    text = "x" * 3000 + "login" + "y" * 500
    evidence = Evidence.of_rows(1, {0: [(3000, 3005, 2.0), (3005, 3505, 1.0)]}, exact=False)
    [value] = encode(verdicts_of([text], [5.0], evidence=evidence))
    verdict = decode_verdict(value)
    assert verdict["subject"] == "x" * 2048
    assert verdict["subject_length"] == 3505
    assert verdict["truncated"]
    assert [span["text"] for span in verdict["evidence"]] == ["login", "y" * 128]
    assert verdict["evidence_exact"] is False
    SCHEMA.validate(verdict)


def test_the_largest_verdict_keeps_within_its_bound() -> None:
    text = "\x01" * 65_536
    fields = {f"{number:03}" + "\x01" * 160: 0 for number in range(40)}
    # The first fill the event, these are left out and named.
    fields |= {f"{number:03}" + "\x01" * 300: 0 for number in range(40)}
    event = {"url": text, "id": "\x01" * 1024, "observed_at": "2024-02-29T00:00:00.123456789-08:00"}
    events = decode([orjson.dumps(event | fields)], URL)
    assert len(events) == 1
    top = 2**63 - 1
    origins = Origins.of_topic(
        "t" * 249, np.array([2**31 - 1], np.int32), np.array([top]), np.array([top])
    )
    spans = [(65_000, 65_536, -1.2345678901234567e-300)] * MAX_SPANS
    verdicts = verdicts_of(
        events.texts,
        [-3.3333333e38],
        evidence=Evidence.of_rows(1, {0: spans}, exact=False),
        origins=origins,
        record_ids=record_ids(origins),
        ids=record_ids(origins),
        event_ids=events.event_ids,
        observed_at=events.observed_at,
        further=events.further,
        omitted=events.omitted,
    )
    [value] = encode(verdicts)
    assert MAX_VERDICT_BYTES / 2 < len(value) <= MAX_VERDICT_BYTES
    SCHEMA.validate(decode_verdict(value))


def test_lone_surrogates_are_replaced_and_offsets_hold() -> None:
    evidence = Evidence.of_rows(1, {0: [(1, 3, 1.0)]}, exact=True)
    [value] = encode(verdicts_of(["a\udc80b"], [5.0], evidence=evidence))
    verdict = decode_verdict(value)
    assert verdict["subject"] == "a\ufffdb"
    assert verdict["evidence"][0]["text"] == "\ufffdb"


BAD_COLUMNS: dict[str, dict[str, Any]] = {
    "logit is no number": {"logits": np.array([np.nan, 0.0])},
    "logit is infinite": {"logits": np.array([0.0, -np.inf])},
    "too few logits": {"logits": np.array([0.0])},
    "too few ids": {"ids": ["a"]},
    "too many further": {"further": [None] * 3},
    "evidence of other rows": {"evidence": Evidence.of_rows(3, {}, exact=True)},
    "span outside": {"evidence": Evidence.of_rows(2, {1: [(0, 6, 1.0)]}, exact=True)},
    "span before": {"evidence": Evidence.of_rows(2, {1: [(-1, 2, 1.0)]}, exact=True)},
    "span empty": {"evidence": Evidence.of_rows(2, {1: [(2, 2, 1.0)]}, exact=True)},
    "weight is no number": {"evidence": Evidence.of_rows(2, {1: [(0, 1, np.nan)]}, exact=True)},
    "weight is too large": {"evidence": Evidence.of_rows(2, {1: [(0, 1, 1e300)]}, exact=True)},
    "too many spans": {"evidence": Evidence.of_rows(2, {1: [(0, 1, 1.0)] * 17}, exact=True)},
    "ragged evidence": {
        "evidence": replace(
            Evidence.of_rows(2, {1: [(0, 1, 1.0)]}, exact=True), ends=np.array([], np.int64)
        )
    },
}


@pytest.mark.parametrize("columns", BAD_COLUMNS.values(), ids=BAD_COLUMNS.keys())
def test_columns_that_would_break_the_contract_are_errors(columns: dict[str, Any]) -> None:
    with pytest.raises(ContractError):
        encode(verdicts_of(["hello", "world"], **{"logits": [0.0, 1.0]} | columns))


def _changed(**fields: Any) -> bytes:
    verdict = contract("verdict")["examples"][0] | fields
    return orjson.dumps({name: value for name, value in verdict.items() if value is not ...})


NO_VERDICTS = {
    "not JSON": b"nonsense",
    "not UTF-8": b'"\xff"',
    "no object": b"[]",
    "no version": _changed(version=...),
    "version of text": _changed(version="1"),
    "no label": _changed(label=...),
    "unknown label": _changed(label="harmless"),
    "score of text": _changed(score="0.5"),
    "score missing a value": _changed(score=None),
    "boolean as number": _changed(logit=True),
    "no subject": _changed(subject=...),
    "evidence of texts": _changed(evidence=["login"]),
    "span without weight": _changed(evidence=[{"start": 0, "end": 1, "text": "h"}]),
    "model without name": _changed(model={"version": "1", "digest": "d"}),
    "source without offset": _changed(source={"topic": "t", "partition": 0, "timestamp": 0}),
}


@pytest.mark.parametrize("value", NO_VERDICTS.values(), ids=NO_VERDICTS.keys())
def test_readers_refuse_what_is_no_verdict(value: bytes) -> None:
    with pytest.raises(ContractError, match="Not a verdict"):
        decode_verdict(value)


def test_readers_refuse_other_versions_by_name() -> None:
    with pytest.raises(UnknownVersionError, match="version 2"):
        decode_verdict(_changed(version=2, label="unheard of"))


def test_readers_pass_over_fields_they_do_not_know() -> None:
    assert decode_verdict(_changed(family="phishing"))["label"] == "malicious"


@given(st.binary(max_size=60))
def test_readers_refuse_any_bytes_by_a_named_error(value: bytes) -> None:
    with pytest.raises(ContractError):
        decode_verdict(value)
