"""The workers of pages and of paths: the same way for other subjects."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import orjson
import pytest
import zstandard
from numpy.typing import NDArray

from models.artefact import Artefact, load
from models.engines.contract import EngineDescription
from models.features import Features
from schemas.causes import Cause
from schemas.limits import DecodingLimits
from schemas.verdict_reader import decode_verdict
from tests.workers.artefacts import BAD_WORD, CALIBRATION
from tests.workers.running import World, running, settings
from workers.judge import Judge
from workers.settings.policies import EvidencePolicy

PLAIN = b"<html><body>" + b"<p>some words</p>" * 50
BAD = PLAIN + b"<script>" + BAD_WORD + b"()</script>"
MIB = 1024 * 1024

REFUSED = {
    b'{"html": 7}': Cause.NOT_A_STRING,
    b"{}": Cause.SUBJECT_MISSING,
    b'{"html": "a", "html_base64": "YQ=="}': Cause.SUBJECT_TWICE,
    b'{"html_base64": "?"}': Cause.NOT_BASE64,
    b'{"html_base64": "YQ==", "encoding": "br"}': Cause.BAD_ENCODING,
    b'{"html_base64": "YQ==", "encoding": "gzip"}': Cause.BAD_PACKING,
    b'{"html": "<p>': Cause.NOT_JSON,
}


def coded(page: bytes, **fields: object) -> bytes:
    return orjson.dumps({"html_base64": base64.b64encode(page).decode(), **fields})


def judge_of(model: Path, limits: DecodingLimits | None = None) -> Judge:
    artefact = load(model)
    engine = artefact.engine("tables")
    return Judge(artefact, engine, EvidencePolicy(), limits or DecodingLimits())


@pytest.fixture(scope="module")
def pages(page_model: Path) -> Judge:
    return judge_of(page_model)


@pytest.fixture(scope="module")
def paths(path_model: Path) -> Judge:
    return judge_of(path_model)


def test_every_page_becomes_one_verdict_or_one_dead_letter(pages: Judge) -> None:
    world = World(detector="html")
    good = [
        orjson.dumps({"id": 0, "html": PLAIN.decode(), "url": "http://a.example/"}),
        orjson.dumps({"id": 1, "html": BAD.decode()}),
        coded(b"\xff\x00" + BAD, id=2),
        coded(gzip.compress(BAD), id=3, encoding="gzip"),
        coded(zstandard.compress(PLAIN), id=4, encoding="zstd"),
        coded(b"", id=5),
    ]
    world.feed([*good, *REFUSED])
    with running(world.log(), pages, settings("html")):
        world.wait_all_committed()

    verdicts = {verdict["event_id"]: verdict for verdict in world.verdicts()}
    labels = [verdicts[number]["label"] for number in range(6)]
    assert labels == ["benign", "malicious", "malicious", "malicious", "benign", "benign"]
    assert verdicts[0]["subject"] == "http://a.example/"
    digest = hashlib.sha256(BAD).hexdigest()
    assert verdicts[1]["subject"] == f"sha256:{digest}"
    assert verdicts[3]["page"] == {"sha256": digest, "bytes": len(BAD)}
    assert {verdict["unit"] for verdict in verdicts.values()} == {"byte"}
    assert Counter(world.causes()) == Counter(REFUSED.values())


def test_the_evidence_of_a_page_is_the_bytes_that_decided(pages: Judge) -> None:
    world = World(partitions=1, detector="html")
    world.feed([coded(BAD)])
    with running(world.log(), pages, settings("html")):
        world.wait_all_committed()

    (record,) = world.records("alerts")
    verdict = decode_verdict(record.value or b"")
    window, token = verdict["evidence"]
    assert (window["kind"], token["kind"]) == ("window", "token")
    assert BAD[token["start"] : token["end"]] == BAD_WORD
    assert token["text"] == BAD_WORD.decode()
    assert window["start"] <= token["start"] < token["end"] <= window["end"]
    assert verdict["subject_length"] == verdict["characters_seen"] == len(BAD)
    exact = CALIBRATION.scores(np.array([verdict["logit"]]))[0]
    assert verdict["score"] == pytest.approx(exact)
    assert verdict["calibration"]["prior"] == CALIBRATION.prior


class Watching:
    """An engine that remembers how much it was given at once."""

    def __init__(self, artefact: Artefact) -> None:
        self._engine = artefact.engine("tables")
        self.given: list[int] = []

    def warm(self, rows: int) -> None:
        pass

    def logits(self, features: Features) -> NDArray[np.float32]:
        self.given.append(int(features.lengths.sum()))
        return self._engine.logits(features)

    def describe(self) -> EngineDescription:
        return self._engine.describe()


def test_pages_that_are_small_only_while_packed_are_unpacked_in_parts(page_model: Path) -> None:
    artefact = load(page_model)
    engine = Watching(artefact)
    limits = DecodingLimits(max_page_bytes=MIB, max_part_bytes=4 * MIB)
    world = World(detector="html")
    packed = coded(gzip.compress(b" " * MIB), encoding="gzip")
    assert len(packed) < 3_000
    world.feed([packed] * 40)
    judge = Judge(artefact, engine, EvidencePolicy(), limits)
    with running(world.log(), judge, settings("html", max_delay_ms="200")):
        world.wait_all_committed()

    assert len(world.verdicts()) == 40
    assert sum(engine.given) == 40 * MIB
    assert max(engine.given) <= 4 * MIB


def test_a_page_over_the_limit_is_a_dead_letter_with_its_bytes(page_model: Path) -> None:
    judge = judge_of(page_model, DecodingLimits(max_page_bytes=10_000))
    world = World(detector="html")
    large = coded(b"x" * 10_001)
    bomb = coded(gzip.compress(b"x" * 10_001), encoding="gzip")
    world.feed([coded(b"x" * 10_000), large, bomb])
    with running(world.log(), judge, settings("html")):
        world.wait_all_committed()

    assert [verdict["page"]["bytes"] for verdict in world.verdicts()] == [10_000]
    assert world.causes() == [Cause.PAGE_TOO_LARGE] * 2
    assert {letter.value for letter in world.records(world.dead)} == {large, bomb}


def test_a_page_of_tens_of_megabytes_is_judged(pages: Judge) -> None:
    world = World(partitions=1, detector="html")
    page = b"<p>" * (7 * MIB) + BAD_WORD
    world.feed([coded(page)])
    with running(world.log(), pages, settings("html")):
        world.wait_all_committed()

    (verdict,) = world.verdicts()
    assert verdict["page"]["bytes"] == len(page)


def test_paths_and_keys_are_judged_with_their_kind(paths: Judge) -> None:
    world = World(detector="path")
    world.feed(
        [
            b'{"id": 0, "path": "C:\\\\Users\\\\ann\\\\evil.exe"}',
            b'{"id": 1, "path": "HKLM\\\\Software\\\\Run"}',
            b'{"id": 2, "path": "odd", "kind": "registry"}',
            b'{"path": "C:\\\\x", "kind": "folder"}',
            b'{"path": ""}',
            b'{"url": "http://a.example/"}',
        ]
    )
    with running(world.log(), paths, settings("path")):
        world.wait_all_committed()

    verdicts = {verdict["event_id"]: verdict for verdict in world.verdicts()}
    assert [verdicts[number]["kind"] for number in range(3)] == ["file", "registry", "registry"]
    assert verdicts[0]["subject"] == "C:\\Users\\ann\\evil.exe"
    assert {verdict["unit"] for verdict in verdicts.values()} == {"character"}
    assert Counter(world.causes()) == Counter([Cause.BAD_KIND, Cause.EMPTY, Cause.SUBJECT_MISSING])
