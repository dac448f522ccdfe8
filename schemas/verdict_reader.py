"""Verdicts as their readers have them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TypedDict, cast

import orjson

from schemas.errors import ContractError, UnknownVersionError
from schemas.evidence import CHARACTERS
from schemas.label import LABELS, UNCALIBRATED
from schemas.verdict import VERSION


class VerdictModel(TypedDict):
    """``model`` of a verdict."""

    name: str
    version: str
    digest: str


class VerdictThresholds(TypedDict):
    """``thresholds`` of a verdict, on the logit."""

    suspicious: float
    malicious: float


class VerdictCalibration(TypedDict):
    """``calibration`` of a verdict: what made ``score`` of ``logit``."""

    scale: float
    offset: float
    prior: float


class VerdictPage(TypedDict):
    """``page`` of a verdict."""

    sha256: str
    bytes: int


class VerdictSpan(TypedDict):
    """One entry of ``evidence``: offsets count units of the whole subject."""

    kind: str
    start: int
    end: int
    text: str
    weight: float


class VerdictSource(TypedDict):
    """``source`` of a verdict."""

    topic: str
    partition: int
    offset: int
    timestamp: int


class VerdictReplay(TypedDict):
    """``replay`` of a verdict."""

    run: str


class Verdict(TypedDict):
    """A verdict as JSON gives it; `verdict.schema.json` says what the fields mean."""

    version: int
    id: str | None
    record_id: str | None
    event_id: str | int | None
    detector: str
    model: VerdictModel
    label: str
    held: str | None
    score: float
    logit: float
    thresholds: VerdictThresholds
    calibration: VerdictCalibration
    subject: str
    kind: str | None
    page: VerdictPage | None
    unit: str
    subject_length: int
    truncated: bool
    characters_seen: int
    evidence: list[VerdictSpan]
    evidence_remainder: float | None
    evidence_exact: bool | None
    source: VerdictSource | None
    observed_at: str | None
    scored_at: str
    replay: VerdictReplay | None
    event: dict[str, Any] | None
    omitted: list[str]


_NUMBER = (int, float)
_NULL = type(None)

# What verdicts of before these fields were there mean: texts, judged live and without calibration.
_EARLIER: dict[str, Any] = {
    "held": None,
    "calibration": asdict(UNCALIBRATED),
    "kind": None,
    "page": None,
    "unit": "character",
    "replay": None,
}

_VERDICT_TYPES: dict[str, tuple[type, ...]] = {
    "version": (int,),
    "id": (str, _NULL),
    "record_id": (str, _NULL),
    "event_id": (str, int, _NULL),
    "detector": (str,),
    "model": (dict,),
    "label": (str,),
    "held": (str, _NULL),
    "score": _NUMBER,
    "logit": _NUMBER,
    "thresholds": (dict,),
    "calibration": (dict,),
    "subject": (str,),
    "kind": (str, _NULL),
    "page": (dict, _NULL),
    "unit": (str,),
    "subject_length": (int,),
    "truncated": (bool,),
    "characters_seen": (int,),
    "evidence": (list,),
    "evidence_remainder": (*_NUMBER, _NULL),
    "evidence_exact": (bool, _NULL),
    "source": (dict, _NULL),
    "observed_at": (str, _NULL),
    "scored_at": (str,),
    "replay": (dict, _NULL),
    "event": (dict, _NULL),
    "omitted": (list,),
}
_MODEL_TYPES: dict[str, tuple[type, ...]] = {"name": (str,), "version": (str,), "digest": (str,)}
_THRESHOLD_TYPES: dict[str, tuple[type, ...]] = {"suspicious": _NUMBER, "malicious": _NUMBER}
_CALIBRATION_TYPES: dict[str, tuple[type, ...]] = {
    "scale": _NUMBER,
    "offset": _NUMBER,
    "prior": _NUMBER,
}
_PAGE_TYPES: dict[str, tuple[type, ...]] = {"sha256": (str,), "bytes": (int,)}
_REPLAY_TYPES: dict[str, tuple[type, ...]] = {"run": (str,)}
_SPAN_TYPES: dict[str, tuple[type, ...]] = {
    "kind": (str,),
    "start": (int,),
    "end": (int,),
    "text": (str,),
    "weight": _NUMBER,
}
_SOURCE_TYPES: dict[str, tuple[type, ...]] = {
    "topic": (str,),
    "partition": (int,),
    "offset": (int,),
    "timestamp": (int,),
}


def decode_verdict(value: bytes) -> Verdict:
    """Read one verdict, checking that every field is there and of its type.

    Fields that version 1 may gain are let through, and those that it has gained are filled in
    where an earlier verdict lacks them. Bounds are not checked: the schema has them.

    Raises:
        ContractError: not JSON, or not a verdict.
        UnknownVersionError: a verdict of another contract version.
    """
    try:
        verdict = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise ContractError(f"Not a verdict: not JSON at character {error.pos}") from error
    if not isinstance(verdict, dict):
        raise ContractError("Not a verdict: not a JSON object")
    version = verdict.get("version")
    if type(version) is int and version != VERSION:
        raise UnknownVersionError(
            f"The verdict has contract version {version}; this reader knows version {VERSION}"
        )
    verdict = _EARLIER | verdict
    _hold(verdict, _VERDICT_TYPES, "")
    _hold(verdict["model"], _MODEL_TYPES, "model.")
    _hold(verdict["thresholds"], _THRESHOLD_TYPES, "thresholds.")
    _hold(verdict["calibration"], _CALIBRATION_TYPES, "calibration.")
    if verdict["page"] is not None:
        _hold(verdict["page"], _PAGE_TYPES, "page.")
    for span in verdict["evidence"]:
        if isinstance(span, dict):
            span.setdefault("kind", CHARACTERS)
        _hold(span, _SPAN_TYPES, "evidence.")
    if verdict["source"] is not None:
        _hold(verdict["source"], _SOURCE_TYPES, "source.")
    if verdict["replay"] is not None:
        _hold(verdict["replay"], _REPLAY_TYPES, "replay.")
    if verdict["label"] not in LABELS:
        raise ContractError("Not a verdict: `label` is not a known label")
    return cast("Verdict", verdict)


def _hold(value: object, types: dict[str, tuple[type, ...]], path: str) -> None:
    """Check that ``value`` is an object with fields of these types; a boolean is no number."""
    if not isinstance(value, dict):
        raise ContractError(f"Not a verdict: `{path.rstrip('.')}` holds no object")
    for name, allowed in types.items():
        if name not in value:
            raise ContractError(f"Not a verdict: `{path}{name}` is missing")
        if type(value[name]) not in allowed:
            raise ContractError(
                f"Not a verdict: `{path}{name}` is of type {type(value[name]).__name__}"
            )
