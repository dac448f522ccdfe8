"""Evidence of a few spans, written down as lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from schemas.evidence import CHARACTERS, Evidence

Span = tuple[int, int, float] | tuple[int, int, float, str, str | None]
"""Start, end and weight of a span; then its kind (else ``characters``) and its text (else None)."""


def evidence_of(n: int, spans: Mapping[int, Sequence[Span]], *, exact: bool) -> Evidence:
    """Evidence of n subjects, most of which have none.

    Args:
        n: Subjects.
        spans: For each row with evidence its spans.
        exact: As in `Evidence`.
    """
    rows = sorted(spans)
    counts = np.zeros(n, np.int64)
    counts[rows] = [len(spans[row]) for row in rows]
    flat = [span for row in rows for span in spans[row]]
    return Evidence(
        splits=np.concatenate([[0], np.cumsum(counts)]),
        starts=np.array([span[0] for span in flat], np.int64),
        ends=np.array([span[1] for span in flat], np.int64),
        weights=np.array([span[2] for span in flat], np.float64),
        kinds=[CHARACTERS if len(span) == 3 else span[3] for span in flat],
        texts=[None if len(span) == 3 else span[4] for span in flat],
        exact=exact,
    )
