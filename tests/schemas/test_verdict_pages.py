from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from schemas.contracts import contract
from schemas.errors import ContractError
from schemas.events import Events
from schemas.label import Thresholds
from schemas.verdict import Judge, Model, Verdicts, encode
from schemas.verdict_reader import decode_verdict
from tests.schemas.spans import evidence_of

SCHEMA = Draft202012Validator(
    contract("verdict"), format_checker=Draft202012Validator.FORMAT_CHECKER
)
JUDGE = Judge(
    detector="html",
    model=Model(name="html", version="1", digest="d" * 64),
    thresholds=Thresholds(suspicious=1.5, malicious=4.25),
    unit="byte",
)
PAGES = [b"<form>\xff" * 3, b""]


def page_verdicts(spans: Any = (), **columns: Any) -> Verdicts:
    events = Events.of_pages(PAGES, ["http://a/" + "x" * 3000, None])
    given_columns: dict[str, Any] = {
        "judge": JUDGE,
        "scored_at": datetime(2026, 11, 24, 8, 30, tzinfo=UTC),
        "subjects": events.subjects,
        "logits": np.array([5.0, 0.0], np.float32),
        "characters_seen": np.array([21, 0]),
        "urls": events.urls,
        "digests": events.digests,
        "evidence": evidence_of(2, {0: spans} if spans else {}, exact=False),
    }
    return Verdicts(**given_columns | columns)


def test_pages_are_named_by_address_or_digest_and_counted_in_bytes() -> None:
    verdicts = [decode_verdict(value) for value in encode(page_verdicts())]
    digests = [hashlib.sha256(page).hexdigest() for page in PAGES]
    for verdict, page, digest in zip(verdicts, PAGES, digests, strict=True):
        SCHEMA.validate(verdict)
        assert verdict["page"] == {"sha256": digest, "bytes": len(page)}
        assert (verdict["unit"], verdict["subject_length"]) == ("byte", len(page))
        assert not verdict["truncated"]
    assert verdicts[0]["subject"] == "http://a/" + "x" * 2039
    assert verdicts[1]["subject"] == f"sha256:{digests[1]}"


def test_a_page_without_words_is_held_at_benign() -> None:
    verdicts = page_verdicts(logits=np.array([5.0, 5.0]), held=np.array([False, True]))
    loud, silent = map(decode_verdict, encode(verdicts))
    assert (loud["label"], loud["held"]) == ("malicious", None)
    assert (silent["label"], silent["held"]) == ("benign", "page-without-words")
    SCHEMA.validate(silent)


def test_evidence_of_pages_brings_its_text_and_tokens_are_parts_of_windows() -> None:
    spans = [
        (0, 21, 3.5, "window", "<form>\udcff" * 40),
        (0, 6, 2.0, "token", "<form>"),
        (7, 14, 0.5, "window", "<form>"),
    ]
    verdict = decode_verdict(encode(page_verdicts(spans))[0])
    SCHEMA.validate(verdict)
    window, token, other = verdict["evidence"]
    assert (window["start"], window["end"], window["kind"]) == (0, 21, "window")
    assert window["text"] == ("<form>\ufffd" * 40)[:128]
    assert (token["kind"], token["text"], other["weight"]) == ("token", "<form>", 0.5)
    assert verdict["evidence_remainder"] == 1.0


BAD_PAGES: dict[str, dict[str, Any]] = {
    "no digests": {"digests": None},
    "texts": {"subjects": ["a", "b"]},
    "pages as texts": {"judge": replace(JUDGE, unit="character")},
    "span without text": {"spans": [(0, 3, 1.0)]},
    "span of empty text": {"spans": [(0, 3, 1.0, "window", "")]},
    "span of another kind": {"spans": [(0, 3, 1.0, "sentence", "a")]},
    "span beyond": {"spans": [(0, 22, 1.0, "window", "a")]},
    "too few digests": {"digests": ["0" * 64]},
    "too many urls": {"urls": [None] * 3},
    "too few kinds": {"kinds": ["file"]},
    "too few held": {"held": np.array([True])},
}


@pytest.mark.parametrize("columns", BAD_PAGES.values(), ids=BAD_PAGES.keys())
def test_pages_that_would_break_the_contract_are_errors(columns: dict[str, Any]) -> None:
    with pytest.raises(ContractError):
        encode(page_verdicts(**columns))
