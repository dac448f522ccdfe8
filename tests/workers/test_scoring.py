"""Lines off Kafka: one object a line, in order, whatever the line."""

from __future__ import annotations

import math

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.artefact import load
from models.detectors import URL
from schemas.verdict_reader import decode_verdict
from workers.judge import Judge
from workers.scoring import Scorer
from workers.settings.policies import EvidencePolicy

PHISHING = b"http://paypal-login.example.tk/secure/"


def test_a_line_that_cannot_be_judged_has_its_error_in_its_place(judge: Judge) -> None:
    scorer = Scorer(judge)
    lines = [b'{"url": "http://a.example/", "id": 1}', b"broken", b'{"url": "http://b.example/"}']
    first, second, third = map(orjson.loads, scorer.events(lines))
    assert (first["subject"], first["event_id"]) == ("http://a.example/", 1)
    assert second["error"]["cause"] == "not-json"
    assert second["error"]["line"] == 2
    assert third["subject"] == "http://b.example/"
    assert (scorer.scored, scorer.refused) == (3, 1)
    (again,) = map(orjson.loads, scorer.events([b""]))
    assert again["error"]["line"] == 4


def test_fields_without_meaning_off_kafka_are_null(judge: Judge) -> None:
    (line,) = Scorer(judge).texts([PHISHING])
    verdict = decode_verdict(line)
    assert verdict["id"] is None
    assert verdict["record_id"] is None
    assert verdict["source"] is None


def test_plain_text_is_taken_as_it_is(judge: Judge) -> None:
    lines = [
        b'{"url": "http://a.example/"}',
        b" two words ",
        "http://b\u00fccher.example/".encode(),
    ]
    scored = map(orjson.loads, Scorer(judge).texts(lines))
    assert [verdict["subject"] for verdict in scored] == [line.decode() for line in lines]


def test_evidence_and_its_remainder_sum_to_the_logit(judge: Judge) -> None:
    (line,) = Scorer(judge).texts([PHISHING])
    verdict = decode_verdict(line)
    assert verdict["label"] == "malicious"
    assert verdict["evidence"]
    assert verdict["evidence_exact"] is True
    assert verdict["evidence_remainder"] is not None
    total = verdict["evidence_remainder"] + sum(span["weight"] for span in verdict["evidence"])
    assert total == pytest.approx(verdict["logit"])
    for span in verdict["evidence"]:
        assert verdict["subject"][span["start"] : span["end"]] == span["text"]


@pytest.mark.parametrize(
    ("policy", "explained"), [("never", 0), ("malicious", 1), ("suspicious", 1), ("benign", 2)]
)
def test_evidence_begins_at_a_label(policy: str, explained: int) -> None:
    artefact = load(URL.bundled)
    judge = Judge(
        artefact,
        artefact.engine("tables"),
        EvidencePolicy(evidence_from=policy),  # type: ignore[arg-type]
    )
    lines = Scorer(judge).texts([PHISHING, b"https://www.blackhat.com"])
    assert sum(bool(decode_verdict(line)["evidence"]) for line in lines) == explained


def test_a_longer_text_is_cut_and_says_so(judge: Judge) -> None:
    long = b"http://a.example/" + b"x" * 1000
    (verdict,) = map(decode_verdict, Scorer(judge).texts([long]))
    assert verdict["truncated"]
    assert 100 < verdict["characters_seen"] < verdict["subject_length"] == len(long)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=20), st.booleans())
def test_any_bytes_give_one_object_a_line(lines: list[bytes], are_json: bool) -> None:
    scorer = Scorer(_judge())
    score = scorer.events if are_json else scorer.texts
    scored = [orjson.loads(line) for line in score(lines)]
    assert len(scored) == len(lines)
    for verdict in scored:
        assert ("error" in verdict) != (
            "logit" in verdict and math.isfinite(verdict["logit"]) and 0 <= verdict["score"] <= 1
        )


_JUDGES: list[Judge] = []


def _judge() -> Judge:
    """One for all examples; hypothesis does not mix with fixtures."""
    if not _JUDGES:
        artefact = load(URL.bundled)
        _JUDGES.append(Judge(artefact, artefact.engine("tables"), EvidencePolicy()))
    return _JUDGES[0]
