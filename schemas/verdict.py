"""Verdicts, contract version 1: columns in, one JSON object a row out.

The contract is `verdict.schema.json`. A verdict is at most `MAX_VERDICT_BYTES` long, whatever the
event was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from schemas.json_columns import EMPTY, NULL, Column, Fields, anything, few, numbers, objects, texts
from schemas.label import LABELS, Calibration, Thresholds, scores
from schemas.origin import Origins
from schemas.timestamps import rfc3339
from schemas.verdict_evidence import evidence_fields
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

# By severity.
_LABELS = [orjson.dumps(label) for label in LABELS]


def encode(verdicts: Verdicts, rows: NDArray[np.integer] | None = None) -> list[bytes]:
    """One JSON object for each verdict, or for each of ``rows``, in that order.

    Lone surrogates, which only text from outside JSON can have, become U+FFFD, so that offsets
    still hold.

    Raises:
        ContractError: a number is not finite (JSON has no word for it), columns differ in
            length, subjects are not what the judge counts, a page has no digest, or a span lies
            outside its subject or is a page's and without text.
    """
    verdicts.check()
    told = verdicts if rows is None else verdicts.take(rows)
    if not len(told):
        return []
    judge, logits, seen = told.judge, told.logits, told.characters_seen
    lengths = np.fromiter(map(len, told.subjects), np.int64, len(told))
    shown, pages = _shown(told, lengths)
    return objects(
        {
            "version": b"%d" % VERSION,
            "id": _maybe(told.ids),
            "record_id": _maybe(told.record_ids),
            "event_id": _maybe(told.event_ids),
            "detector": orjson.dumps(judge.detector),
            "model": _constant(judge.model),
            "label": [_LABELS[severity] for severity in told.severities().tolist()],
            "held": _held(told),
            "score": numbers(scores(logits, judge.calibration).tolist()),
            "logit": numbers(logits.tolist()),
            "thresholds": _constant(judge.thresholds),
            "calibration": _constant(judge.calibration),
            "subject": texts([text[:MAX_SUBJECT_LENGTH] for text in shown]),
            "kind": _maybe(told.kinds),
            "page": pages,
            "unit": orjson.dumps(judge.unit),
            "subject_length": numbers(lengths.tolist()),
            "truncated": few((seen < lengths).tolist()),
            "characters_seen": numbers(seen.tolist()),
            **evidence_fields(told.evidence, told.subjects, logits),
            "source": NULL if told.origins is None else _source(told.origins),
            "observed_at": _maybe(told.observed_at),
            "scored_at": orjson.dumps(rfc3339(told.scored_at)),
            "replay": NULL if judge.replay is None else _constant(judge.replay),
            "event": _maybe(told.further),
            "omitted": EMPTY if told.omitted is None else anything(told.omitted),
        }
    )


def _shown(verdicts: Verdicts, lengths: NDArray[np.int64]) -> tuple[Sequence[str], Column | Fields]:
    """What stands for the subjects in their verdicts, and ``page`` of each."""
    if verdicts.judge.unit == "character":
        return cast("Sequence[str]", verdicts.subjects), NULL
    digests = verdicts.digests or []
    urls = verdicts.urls or [None] * len(verdicts)
    shown = [url or f"sha256:{digest}" for url, digest in zip(urls, digests, strict=True)]
    return shown, {"sha256": texts(digests), "bytes": numbers(lengths.tolist())}


def _maybe(column: Sequence[Any] | None) -> Column:
    return NULL if column is None else anything(column)


def _held(verdicts: Verdicts) -> Column:
    if verdicts.held is None or not verdicts.held.any():
        return NULL
    why = HELD[verdicts.judge.unit]
    return few([why if held else None for held in verdicts.held.tolist()])


def _source(origins: Origins) -> Fields:
    return {
        "topic": few(origins.topics),
        "partition": numbers(origins.partitions.tolist()),
        "offset": numbers(origins.offsets.tolist()),
        "timestamp": numbers(origins.timestamps.tolist()),
    }


@lru_cache(maxsize=64)
def _constant(what: Model | Thresholds | Calibration | Replay) -> bytes:
    """JSON of what all verdicts of a judge have in common."""
    return orjson.dumps(asdict(what))
