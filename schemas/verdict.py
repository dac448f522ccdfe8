"""Verdicts, contract version 1: columns in, one JSON object a row out, and back for readers.

The contract is `verdict.schema.json`. A verdict is at most `MAX_VERDICT_BYTES` long, whatever the
event was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import fsum
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from schemas.errors import ContractError
from schemas.evidence import MAX_SPAN_TEXT, Evidence
from schemas.label import LABELS, Thresholds, scores
from schemas.origin import Origins
from schemas.timestamps import rfc3339

VERSION = 1
MAX_SUBJECT_LENGTH = 2048

# Each part at its longest, where a control character takes six bytes: the subject 12 KiB, the
# event 8, names left out 12, spans 14, the event's id 6; the rest has names of its own choosing.
MAX_VERDICT_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The artefact that gave a verdict.

    Attributes:
        name: Name of the artefact.
        version: Its version.
        digest: Digest over weights, thresholds, calibration and featuriser together.
    """

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """What is the same for every verdict of a detector.

    Attributes:
        detector: The detector's name.
        model: Its artefact.
        thresholds: The logits at which labels begin.
    """

    detector: str
    model: Model
    thresholds: Thresholds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdicts:
    """n verdicts of one judge, as parallel columns.

    Columns that are None stand for n times nothing: off a log there is no origin and no id.

    Attributes:
        judge: Who gave them.
        scored_at: When, with a time zone.
        texts: n subjects, whole.
        logits: float[n], all finite.
        characters_seen: int[n], how many of a text's first code points the network looked at;
            the text was cut where that is less than its length.
        evidence: Spans that weighed most.
        origins: The origins of the records: what ``source`` says and `record_ids` digests.
        record_ids: n ids of the records.
        ids: n ids of the verdicts.
        event_ids: n ids of the producer's own.
        observed_at: n times of the producer's own.
        further: n objects of small further fields.
        omitted: n tuples of names of fields that were left out.
    """

    judge: Judge
    scored_at: datetime
    texts: Sequence[str]
    logits: NDArray[np.floating]
    characters_seen: NDArray[np.integer]
    evidence: Evidence | None = None
    origins: Origins | None = None
    record_ids: Sequence[str] | None = None
    ids: Sequence[str] | None = None
    event_ids: Sequence[str | int | None] | None = None
    observed_at: Sequence[str | None] | None = None
    further: Sequence[dict[str, Any] | None] | None = None
    omitted: Sequence[tuple[str, ...]] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def severities(self) -> NDArray[np.int8]:
        """Severities of the n verdicts, indexes into `schemas.label.LABELS`: int8[n]."""
        return self.judge.thresholds.severities(self.logits)


def encode(verdicts: Verdicts, rows: NDArray[np.integer] | None = None) -> list[bytes]:
    """One JSON object for each verdict, or for each of ``rows``, in that order.

    Lone surrogates, which only text from outside JSON can have, become U+FFFD, so that offsets
    still hold.

    Raises:
        ContractError: a number is not finite (JSON has no word for it), columns differ in
            length, or a span lies outside its text.
    """
    n = len(verdicts)
    _check(verdicts)
    nothing: list[None] = [None] * n
    judge = verdicts.judge
    detector = judge.detector
    model = orjson.Fragment(orjson.dumps(asdict(judge.model)))
    thresholds = orjson.Fragment(orjson.dumps(asdict(judge.thresholds)))
    scored_at = rfc3339(verdicts.scored_at)
    texts = verdicts.texts
    logits = verdicts.logits.tolist()
    row_scores = scores(verdicts.logits).tolist()
    labels = [LABELS[severity].value for severity in verdicts.severities().tolist()]
    seen = verdicts.characters_seen.tolist()
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
        text = texts[row]
        length = len(text)
        verdict = {
            "version": VERSION,
            "id": ids[row],
            "record_id": record_ids[row],
            "event_id": event_ids[row],
            "detector": detector,
            "model": model,
            "label": labels[row],
            "score": row_scores[row],
            "logit": logits[row],
            "thresholds": thresholds,
            "subject": text[:MAX_SUBJECT_LENGTH],
            "subject_length": length,
            "truncated": seen[row] < length,
            "characters_seen": seen[row],
            "evidence": spans[row],
            "evidence_remainder": remainders[row],
            "evidence_exact": exact[row],
            "source": sources[row],
            "observed_at": observed_at[row],
            "scored_at": scored_at,
            "event": further[row],
            "omitted": omitted[row],
        }
        encoded.append(_dumped(verdict))
    return encoded


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
        text = verdicts.texts[row]
        spans[row] = [
            {
                "start": start,
                "end": end,
                "text": text[start : min(end, start + MAX_SPAN_TEXT)],
                "weight": weight,
            }
            for start, end, weight in zip(
                evidence.starts[own].tolist(),
                evidence.ends[own].tolist(),
                evidence.weights[own].tolist(),
                strict=True,
            )
        ]
        listed = fsum(span["weight"] for span in spans[row])
        remainders[row] = float(verdicts.logits[row]) - listed
        exact[row] = evidence.exact
    return spans, remainders, exact


def _check(verdicts: Verdicts) -> None:
    n = len(verdicts)
    for name in (
        "logits",
        "characters_seen",
        "origins",
        "record_ids",
        "ids",
        "event_ids",
        "observed_at",
        "further",
        "omitted",
    ):
        column = getattr(verdicts, name)
        if column is not None and len(column) != n:
            raise ContractError(f"Column {name!r} has {len(column)} rows for {n} texts")
    finite = np.isfinite(verdicts.logits)
    if not finite.all():
        raise ContractError(
            f"The logit of row {int(np.argmin(finite))} is not finite; refuse such rows first"
        )
    if verdicts.evidence is not None:
        verdicts.evidence.check(np.fromiter(map(len, verdicts.texts), np.int64, n))
