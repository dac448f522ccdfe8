"""What a verdict says of its evidence: three fields, by columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum

import numpy as np
from numpy.typing import NDArray

from schemas.evidence import MAX_SPAN_TEXT, TOKEN, Evidence
from schemas.json_columns import EMPTY, NULL, Column, few, numbers, objects, texts


def evidence_fields(
    evidence: Evidence | None,
    subjects: Sequence[str] | Sequence[bytes],
    logits: NDArray[np.floating],
) -> Mapping[str, Column]:
    """``evidence``, ``evidence_remainder`` and ``evidence_exact`` of n verdicts.

    Args:
        evidence: Of n subjects, most of which may have none; None where no subject has any.
        subjects: n subjects, from which the texts of spans are cut that bring none.
        logits: float[n].
    """
    spans: list[bytes] = [EMPTY] * len(subjects)
    remainders: list[bytes] = [NULL] * len(subjects)
    exact: list[bytes] = [NULL] * len(subjects)
    explained = [] if evidence is None else np.flatnonzero(np.diff(evidence.splits)).tolist()
    if evidence is None or not explained:
        return {"evidence": EMPTY, "evidence_remainder": NULL, "evidence_exact": NULL}
    written = _spans(evidence, subjects)
    splits, weights = evidence.splits.tolist(), evidence.weights.tolist()
    kinds, flat_logits = evidence.kinds, logits.tolist()
    left = []
    for row in explained:
        own = slice(splits[row], splits[row + 1])
        spans[row] = b"[%b]" % b",".join(written[own])
        exact[row] = b"true" if evidence.exact else b"false"
        # A token's weight is within its window's.
        listed = fsum(
            weight for weight, kind in zip(weights[own], kinds[own], strict=True) if kind != TOKEN
        )
        left.append(flat_logits[row] - listed)
    for row, remainder in zip(explained, numbers(left), strict=True):
        remainders[row] = remainder
    return {"evidence": spans, "evidence_remainder": remainders, "evidence_exact": exact}


def _spans(evidence: Evidence, subjects: Sequence[str] | Sequence[bytes]) -> list[bytes]:
    """JSON of all spans, of all subjects behind one another."""
    starts, ends = evidence.starts.tolist(), evidence.ends.tolist()
    of_rows = np.repeat(np.arange(len(subjects)), np.diff(evidence.splits)).tolist()
    shown = [
        # A judge that counts bytes has brought texts for all spans.
        str(subjects[row][start : min(end, start + MAX_SPAN_TEXT)])
        if text is None
        else text[:MAX_SPAN_TEXT]
        for row, start, end, text in zip(of_rows, starts, ends, evidence.texts, strict=True)
    ]
    return objects(
        {
            "kind": few(evidence.kinds),
            "start": numbers(starts),
            "end": numbers(ends),
            "text": texts(shown),
            "weight": numbers(evidence.weights.tolist()),
        }
    )
