from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.contracts import contract
from schemas.errors import ContractError
from schemas.evidence import MAX_SPANS
from schemas.identity import record_ids, verdict_ids
from schemas.label import Calibration, Label, Thresholds
from schemas.origin import Origins
from schemas.telemetry import URL, decode
from schemas.verdict import MAX_VERDICT_BYTES, Judge, Model, Replay, Verdicts, encode
from schemas.verdict_reader import decode_verdict
from tests.schemas.spans import evidence_of

SCHEMA = Draft202012Validator(
    contract("verdict"), format_checker=Draft202012Validator.FORMAT_CHECKER
)
JUDGE = Judge(
    detector="url",
    model=Model(name="url", version="1", digest="d" * 64),
    thresholds=Thresholds(suspicious=1.5, malicious=4.25),
)
AT = datetime(2026, 11, 24, 8, 30, 0, 123456, tzinfo=UTC)
CALIBRATIONS = st.builds(
    Calibration, scale=st.floats(0.01, 10), offset=st.floats(-9, 9), prior=st.floats(1e-6, 0.5)
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)


def verdicts_of(texts: Sequence[str] | Sequence[bytes], logits: Any, **columns: Any) -> Verdicts:
    given_columns: dict[str, Any] = {
        "judge": JUDGE,
        "scored_at": AT,
        "subjects": texts,
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
        columns |= {
            "judge": replace(
                JUDGE,
                calibration=draw(CALIBRATIONS),
                replay=draw(st.none() | st.just(Replay(run="r" * 100))),
            ),
            "kinds": column(st.sampled_from(["file", "registry"])),
            "held": np.array(column(st.booleans()), np.bool_),
        }
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
            "evidence": evidence_of(n, spans, exact=draw(st.booleans())),
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
        assert verdict["subject"] == verdicts.subjects[row]
        assert verdict["logit"] == float(verdicts.logits[row])
        assert verdict["kind"] == (None if verdicts.kinds is None else verdicts.kinds[row])
        assert (verdict["unit"], verdict["page"]) == ("character", None)


@given(some_verdicts(), st.randoms(use_true_random=False))
def test_some_rows_are_encoded_as_all_are(verdicts: Verdicts, random: Random) -> None:
    rows = random.sample(range(len(verdicts)), random.randint(0, len(verdicts)))
    every = encode(verdicts)
    assert encode(verdicts, np.array(rows, np.int64)) == [every[row] for row in rows]


@given(some_verdicts())
def test_verdicts_are_written_as_orjson_writes_them(verdicts: Verdicts) -> None:
    for value in encode(verdicts):
        assert orjson.dumps(orjson.loads(value)) == value


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
        assert verdict["label"] == (expected if verdict["held"] is None else "benign")
        calibration = verdict["calibration"]
        exact = calibration["scale"] * logit + calibration["offset"]
        if abs(exact) < 700:
            assert verdict["score"] == pytest.approx(1 / (1 + math.exp(-exact)), rel=1e-12)
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
    on_kafka, off_kafka, _ = examples = contract("verdict")["examples"]
    for example in examples:
        SCHEMA.validate(example)
        assert decode_verdict(orjson.dumps(example)) == example
        calibration = example["calibration"]
        exact = calibration["scale"] * example["logit"] + calibration["offset"]
        assert example["score"] == pytest.approx(1 / (1 + math.exp(-exact)), rel=1e-15)
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
    evidence = evidence_of(1, {0: [(3000, 3005, 2.0), (3005, 3505, 1.0)]}, exact=False)
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
        events.subjects,
        [-3.3333333e38],
        evidence=evidence_of(1, {0: spans}, exact=False),
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
    evidence = evidence_of(1, {0: [(1, 3, 1.0)]}, exact=True)
    [value] = encode(verdicts_of(["a\udc80b"], [5.0], evidence=evidence))
    verdict = decode_verdict(value)
    assert verdict["subject"] == "a\ufffdb"
    assert verdict["evidence"][0]["text"] == "\ufffdb"


def test_a_held_label_is_benign_and_says_why() -> None:
    verdicts = verdicts_of(["192.0.2.7", "evil"], [9.0, 9.0], held=np.array([True, False]))
    assert verdicts.severities().tolist() == [0, 2]
    silent, loud = map(decode_verdict, encode(verdicts))
    assert (silent["label"], silent["held"]) == ("benign", "bare-ip-address")
    assert (loud["label"], loud["held"]) == ("malicious", None)
    assert silent["score"] == loud["score"]


def test_score_is_calibrated_and_says_by_what() -> None:
    judge = replace(JUDGE, calibration=Calibration(scale=2.0, offset=-10.0, prior=0.01))
    verdict = decode_verdict(encode(verdicts_of(["a"], [5.0], judge=judge))[0])
    assert verdict["score"] == 0.5
    assert verdict["label"] == "malicious"
    assert verdict["calibration"] == {"scale": 2.0, "offset": -10.0, "prior": 0.01}


def test_spans_of_texts_may_bring_their_own() -> None:
    evidence = evidence_of(
        1, {0: [(0, 2, 1.0, "characters", None), (0, 2, 1.0, "token", "b")]}, exact=True
    )
    verdict = decode_verdict(encode(verdicts_of(["abc"], [5.0], evidence=evidence))[0])
    assert [span["text"] for span in verdict["evidence"]] == ["ab", "b"]


BAD_COLUMNS: dict[str, dict[str, Any]] = {
    "logit is no number": {"logits": np.array([np.nan, 0.0])},
    "logit is infinite": {"logits": np.array([0.0, -np.inf])},
    "too few logits": {"logits": np.array([0.0])},
    "too few ids": {"ids": ["a"]},
    "too many further": {"further": [None] * 3},
    "evidence of other rows": {"evidence": evidence_of(3, {}, exact=True)},
    "span outside": {"evidence": evidence_of(2, {1: [(0, 6, 1.0)]}, exact=True)},
    "span before": {"evidence": evidence_of(2, {1: [(-1, 2, 1.0)]}, exact=True)},
    "span empty": {"evidence": evidence_of(2, {1: [(2, 2, 1.0)]}, exact=True)},
    "weight is no number": {"evidence": evidence_of(2, {1: [(0, 1, np.nan)]}, exact=True)},
    "weight is too large": {"evidence": evidence_of(2, {1: [(0, 1, 1e300)]}, exact=True)},
    "too many spans": {"evidence": evidence_of(2, {1: [(0, 1, 1.0)] * 17}, exact=True)},
    "ragged evidence": {
        "evidence": replace(
            evidence_of(2, {1: [(0, 1, 1.0)]}, exact=True), ends=np.array([], np.int64)
        )
    },
}


@pytest.mark.parametrize("columns", BAD_COLUMNS.values(), ids=BAD_COLUMNS.keys())
def test_columns_that_would_break_the_contract_are_errors(columns: dict[str, Any]) -> None:
    with pytest.raises(ContractError):
        encode(verdicts_of(["hello", "world"], **{"logits": [0.0, 1.0]} | columns))
