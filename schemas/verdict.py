"""Verdicts, contract version 1: columns in, one JSON object a row out.

The contract is `verdict.schema.json`. A verdict is at most `MAX_VERDICT_BYTES` long, whatever the
event was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import fsum
from typing import Any, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from schemas.evidence import MAX_SPAN_TEXT, TOKEN
from schemas.label import LABELS, scores
from schemas.origin import Origins
from schemas.timestamps import rfc3339
from schemas.verdicts import Judge, Model, Replay, Unit, Verdicts

__all__ = [
    "HELD",
    "MAX_SUBJECT_LENGTH",
    "MAX_VERDICT_BYTES",
    "VERSION",
    "Judge",
    "Model",
    "Replay",
    "Unit",
    "Verdicts",
    "encode",
]

VERSION = 1
MAX_SUBJECT_LENGTH = 2048

HELD: Mapping[Unit, str] = {"character": "bare-ip-address", "byte": "page-without-words"}
"""Why a label can be held at benign, by what subjects are counted in: a URL that is an IP address
and nothing else, a page that has no words."""

# Each part at its longest, where a control character takes six bytes: the subject 12 KiB, the
# event 8, names left out 12, spans 14, the event's id 6; the rest has names of its own choosing.
MAX_VERDICT_BYTES = 65_536


def encode(verdicts: Verdicts, rows: NDArray[np.integer] | None = None) -> list[bytes]:
    """One JSON object for each verdict, or for each of ``rows``, in that order.

    Lone surrogates, which only text from outside JSON can have, become U+FFFD, so that offsets
    still hold.

    Raises:
        ContractError: a number is not finite (JSON has no word for it), columns differ in
            length, subjects are not what the judge counts, a page has no digest, or a span lies
            outside its subject or is a page's and without text.
    """
    n = len(verdicts)
    verdicts.check()
    nothing: list[None] = [None] * n
    judge = verdicts.judge
    detector = judge.detector
    unit = judge.unit
    model = orjson.Fragment(orjson.dumps(asdict(judge.model)))
    thresholds = orjson.Fragment(orjson.dumps(asdict(judge.thresholds)))
    calibration = orjson.Fragment(orjson.dumps(asdict(judge.calibration)))
    replay = None if judge.replay is None else orjson.Fragment(orjson.dumps(asdict(judge.replay)))
    scored_at = rfc3339(verdicts.scored_at)
    shown, lengths, pages = _shown(verdicts)
    logits = verdicts.logits.tolist()
    row_scores = scores(verdicts.logits, judge.calibration).tolist()
    labels = [LABELS[severity].value for severity in verdicts.severities().tolist()]
    why_held = HELD[unit]
    held = [False] * n if verdicts.held is None else verdicts.held.tolist()
    seen = verdicts.characters_seen.tolist()
    kinds = verdicts.kinds or nothing
    ids = verdicts.ids or nothing
    record_ids = verdicts.record_ids or nothing
    event_ids = verdicts.event_ids or nothing
    observed_at = verdicts.observed_at or nothing
    further = verdicts.further or nothing
    omitted = verdicts.omitted or [()] * n
    sources = _sources(verdicts.origins) or nothing
    spans, remainders, exact = _spans(verdicts)
    encoded = []
    for row in range(n) if rows is None else rows.tolist():
        length = lengths[row]
        verdict = {
            "version": VERSION,
            "id": ids[row],
            "record_id": record_ids[row],
            "event_id": event_ids[row],
            "detector": detector,
            "model": model,
            "label": labels[row],
            "held": why_held if held[row] else None,
            "score": row_scores[row],
            "logit": logits[row],
            "thresholds": thresholds,
            "calibration": calibration,
            "subject": shown[row][:MAX_SUBJECT_LENGTH],
            "kind": kinds[row],
            "page": pages[row],
            "unit": unit,
            "subject_length": length,
            "truncated": seen[row] < length,
            "characters_seen": seen[row],
            "evidence": spans[row],
            "evidence_remainder": remainders[row],
            "evidence_exact": exact[row],
            "source": sources[row],
            "observed_at": observed_at[row],
            "scored_at": scored_at,
            "replay": replay,
            "event": further[row],
            "omitted": omitted[row],
        }
        encoded.append(_dumped(verdict))
    return encoded


def _shown(
    verdicts: Verdicts,
) -> tuple[Sequence[str], list[int], Sequence[dict[str, str | int] | None]]:
    """What stands for the subjects in their verdicts, their lengths, and ``page`` of each."""
    n = len(verdicts)
    lengths = [len(subject) for subject in verdicts.subjects]
    if verdicts.judge.unit == "character":
        return cast("Sequence[str]", verdicts.subjects), lengths, [None] * n
    digests = verdicts.digests or []
    urls = verdicts.urls or [None] * n
    shown = [url or f"sha256:{digest}" for url, digest in zip(urls, digests, strict=True)]
    pages: list[dict[str, str | int] | None] = [
        {"sha256": digest, "bytes": length} for digest, length in zip(digests, lengths, strict=True)
    ]
    return shown, lengths, pages


def _dumped(verdict: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(verdict)
    except orjson.JSONEncodeError:
        verdict["subject"] = _without_surrogates(verdict["subject"])
        verdict["evidence"] = [
            span | {"text": _without_surrogates(span["text"])} for span in verdict["evidence"]
        ]
        return orjson.dumps(verdict)


def _without_surrogates(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


def _sources(origins: Origins | None) -> list[dict[str, str | int]] | None:
    if origins is None:
        return None
    return [
        {"topic": topic, "partition": partition, "offset": offset, "timestamp": timestamp}
        for topic, partition, offset, timestamp in zip(
            origins.topics,
            origins.partitions.tolist(),
            origins.offsets.tolist(),
            origins.timestamps.tolist(),
            strict=True,
        )
    ]


def _spans(
    verdicts: Verdicts,
) -> tuple[list[list[dict[str, Any]]], list[float | None], list[bool | None]]:
    """The three fields of the evidence, for all rows."""
    n = len(verdicts)
    spans: list[list[dict[str, Any]]] = [[]] * n
    remainders: list[float | None] = [None] * n
    exact: list[bool | None] = [None] * n
    evidence = verdicts.evidence
    if evidence is None:
        return spans, remainders, exact
    for row in np.flatnonzero(np.diff(evidence.splits)).tolist():
        own = slice(evidence.splits[row], evidence.splits[row + 1])
        subject = verdicts.subjects[row]
        spans[row] = [
            {
                "kind": kind,
                "start": start,
                "end": end,
                "text": subject[start : min(end, start + MAX_SPAN_TEXT)]
                if text is None
                else text[:MAX_SPAN_TEXT],
                "weight": weight,
            }
            for start, end, weight, kind, text in zip(
                evidence.starts[own].tolist(),
                evidence.ends[own].tolist(),
                evidence.weights[own].tolist(),
                evidence.kinds[own],
                evidence.texts[own],
                strict=True,
            )
        ]
        # A token's weight is within its window's.
        listed = fsum(span["weight"] for span in spans[row] if span["kind"] != TOKEN)
        remainders[row] = float(verdicts.logits[row]) - listed
        exact[row] = evidence.exact
    return spans, remainders, exact
