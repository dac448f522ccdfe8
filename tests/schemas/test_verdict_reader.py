from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.contracts import contract
from schemas.errors import ContractError, UnknownVersionError
from schemas.verdict_reader import decode_verdict

SCHEMA = Draft202012Validator(
    contract("verdict"), format_checker=Draft202012Validator.FORMAT_CHECKER
)


def _changed(**fields: Any) -> bytes:
    verdict = contract("verdict")["examples"][0] | fields
    return orjson.dumps({name: value for name, value in verdict.items() if value is not ...})


ADDED = ("held", "calibration", "kind", "page", "unit", "replay")


def test_verdicts_of_before_are_read_with_the_defaults_that_the_schema_tells() -> None:
    earlier = orjson.loads(_changed(**dict.fromkeys(ADDED, ...)))
    for span in earlier["evidence"]:
        del span["kind"]
    SCHEMA.validate(earlier)
    verdict: dict[str, Any] = {**decode_verdict(orjson.dumps(earlier))}
    properties = contract("verdict")["properties"]
    assert {name: verdict.pop(name) for name in ADDED} == {
        name: properties[name]["default"] for name in ADDED
    }
    assert {span.pop("kind") for span in verdict["evidence"]} == {"characters"}
    assert verdict == earlier


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
    "calibration without prior": _changed(calibration={"scale": 1.0, "offset": 0.0}),
    "page without digest": _changed(page={"bytes": 3}),
    "page of text": _changed(page="<html>"),
    "held for true": _changed(held=True),
    "replay without run": _changed(replay={}),
    "replay of text": _changed(replay="november"),
    "unit of null": _changed(unit=None),
    "kind of a span is null": _changed(
        evidence=[{"kind": None, "start": 0, "end": 1, "text": "h", "weight": 1.0}]
    ),
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
