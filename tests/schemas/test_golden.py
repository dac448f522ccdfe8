"""Golden events and verdicts, which readers and producers in other languages can be held to."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from schemas.causes import Cause
from schemas.contracts import contract
from schemas.events import Events
from schemas.identity import record_ids, verdict_ids
from schemas.label import Calibration, Thresholds
from schemas.origin import Origins
from schemas.telemetry import DECODERS
from schemas.verdict import Judge, Model, Replay, Verdicts, encode
from tests.schemas.spans import evidence_of


def golden(name: str) -> list[dict[str, Any]]:
    text = files("schemas").joinpath(f"golden/{name}.json").read_text("utf-8")
    cases: list[dict[str, Any]] = json.loads(text)[name]
    return cases


@pytest.mark.parametrize("case", golden("events"), ids=lambda case: case["value"][:60])
def test_golden_events(case: dict[str, Any]) -> None:
    events = DECODERS[case["detector"]]([case["value"].encode()])
    if "cause" in case:
        assert events.rejects.causes == [Cause(case["cause"])]
        return
    event = case["event"]
    page = event.get("page_base64")
    assert events.subjects == [event["subject"] if page is None else base64.b64decode(page)]
    assert events.event_ids == [event["id"]]
    assert events.observed_at == [event["observed_at"]]
    assert events.further == [event["further"]]
    assert events.kinds == ([event["kind"]] if "kind" in event else None)
    assert events.digests == ([event["sha256"]] if page is not None else None)
    assert events.urls == ([event["url"]] if page is not None else None)


def test_golden_events_show_every_shape_both_taken_and_refused() -> None:
    shown = {(case["detector"], "cause" in case) for case in golden("events")}
    assert shown == {(name, refused) for name in DECODERS for refused in (True, False)}


@pytest.mark.parametrize("verdict", golden("verdicts"), ids=lambda verdict: verdict["subject"][:40])
def test_golden_verdicts(verdict: dict[str, Any]) -> None:
    case = next(
        case
        for case in golden("events")
        if "event" in case
        and (case["detector"], case["event"]["id"]) == (verdict["detector"], verdict["event_id"])
    )
    events = DECODERS[verdict["detector"]]([case["value"].encode()])
    (value,) = encode(_verdicts(verdict, events))
    # The exponential function is the processor's own in its last digit.
    expected = verdict | {"score": pytest.approx(verdict["score"], rel=1e-14)}
    assert list(json.loads(value).items()) == list(expected.items())
    Draft202012Validator(contract("verdict")).validate(verdict)


def test_golden_verdicts_show_every_detector() -> None:
    assert {verdict["detector"] for verdict in golden("verdicts")} == set(DECODERS)


def test_golden_verdicts_are_live_ones_and_replays() -> None:
    assert {verdict["replay"] is None for verdict in golden("verdicts")} == {True, False}


def _verdicts(verdict: dict[str, Any], events: Events) -> Verdicts:
    """The columns that such a verdict is made of."""
    source = verdict["source"]
    origins = Origins.of_topic(
        source["topic"],
        np.array([source["partition"]], np.int32),
        np.array([source["offset"]], np.int64),
        np.array([source["timestamp"]], np.int64),
    )
    judge = Judge(
        detector=verdict["detector"],
        model=Model(**verdict["model"]),
        thresholds=Thresholds(**verdict["thresholds"]),
        calibration=Calibration(**verdict["calibration"]),
        unit=verdict["unit"],
        replay=verdict["replay"] and Replay(**verdict["replay"]),
    )
    spans = [
        (
            span["start"],
            span["end"],
            span["weight"],
            span["kind"],
            span["text"] if verdict["unit"] == "byte" else None,
        )
        for span in verdict["evidence"]
    ]
    records = record_ids(origins)
    return Verdicts(
        judge=judge,
        scored_at=datetime.fromisoformat(verdict["scored_at"]),
        subjects=events.subjects,
        logits=np.array([verdict["logit"]], np.float32),
        characters_seen=np.array([verdict["characters_seen"]]),
        held=np.array([verdict["held"] is not None]),
        kinds=events.kinds,
        urls=events.urls,
        digests=events.digests,
        evidence=evidence_of(1, {0: spans} if spans else {}, exact=bool(verdict["evidence_exact"])),
        origins=origins,
        record_ids=records,
        ids=verdict_ids(records, judge.detector, judge.model.digest),
        event_ids=events.event_ids,
        observed_at=events.observed_at,
        further=events.further,
        omitted=events.omitted,
    )
