"""Verdicts to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from schemas.events import page_digest
from schemas.label import Thresholds
from schemas.verdict import Judge, Model, Verdicts, encode
from tests.schemas.spans import evidence_of

JUDGE = Judge(
    detector="url",
    model=Model(name="url", version="1", digest="d" * 64),
    thresholds=Thresholds(suspicious=1.5, malicious=4.25),
)
LOGITS = {"benign": -3.0, "suspicious": 2.0, "malicious": 9.0}


def verdict(
    text: str, label: str = "benign", spans: Sequence[tuple[int, int, float]] = ()
) -> bytes:
    """One verdict as a worker would publish it."""
    (value,) = encode(
        Verdicts(
            judge=JUDGE,
            scored_at=datetime(2026, 11, 24, 8, 30, tzinfo=UTC),
            subjects=[text],
            logits=np.array([LOGITS[label]], np.float32),
            characters_seen=np.array([len(text)]),
            evidence=evidence_of(1, {0: spans} if spans else {}, exact=True),
        )
    )
    return value


PAGE_JUDGE = replace(JUDGE, detector="html", unit="byte")


def page_verdict(
    page: bytes,
    label: str = "benign",
    spans: Sequence[tuple[int, int, float, str, str | None]] = (),
    *,
    url: str | None = None,
) -> bytes:
    """One verdict on a page as a worker would publish it."""
    (value,) = encode(
        Verdicts(
            judge=PAGE_JUDGE,
            scored_at=datetime(2026, 11, 24, 8, 30, tzinfo=UTC),
            subjects=[page],
            logits=np.array([LOGITS[label]], np.float32),
            characters_seen=np.array([len(page)]),
            urls=[url],
            digests=[page_digest(page)],
            evidence=evidence_of(1, {0: spans} if spans else {}, exact=True),
        )
    )
    return value
