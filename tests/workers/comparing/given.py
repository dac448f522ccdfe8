"""Verdicts to compare, as far as a comparison looks at them."""

from __future__ import annotations

from typing import Any

import orjson

from schemas.origin import Origin
from tests.workers.accounting import NOON, verdict_of
from tests.workers.running import INPUT

THRESHOLDS = {"suspicious": 1.5, "malicious": 4.25}


def origin(offset: int, partition: int = 0, *, timestamp: int = NOON) -> Origin:
    return Origin(INPUT, partition, offset, timestamp)


def judged(where: Origin | None, logit: float, /, *, by: str = "1", **changed: Any) -> bytes:
    """A verdict on a record, or (None) on what comes from no log, with these fields changed."""
    place = where or origin(0)
    verdict = loaded(verdict_of(place, model=by * 64))
    verdict |= {
        "model": {"name": "url", "version": by, "digest": by * 64},
        "label": "malicious" if logit >= 4.25 else "suspicious" if logit >= 1.5 else "benign",
        "logit": logit,
        "thresholds": THRESHOLDS,
        "subject": f"http://{place.offset}.example/",
        "event_id": None,
    }
    if where is None:
        verdict |= {"id": None, "record_id": None, "source": None}
    return orjson.dumps(verdict | changed)


def loaded(value: bytes) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(value)
    return found
