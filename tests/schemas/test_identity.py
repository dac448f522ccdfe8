from __future__ import annotations

import hashlib
import json
import re
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identity import record_ids, verdict_ids
from schemas.origin import Origin, Origins

GOLDEN: dict[str, Any] = json.loads(
    files("schemas").joinpath("golden/identity.json").read_text("utf-8")
)
ORIGINS = st.builds(
    Origin,
    st.text(max_size=20),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**63 - 1),
    st.integers(-1, 2**63 - 1),
)


def columns(origins: list[Origin]) -> Origins:
    return Origins(
        topics=[origin.topic for origin in origins],
        partitions=np.array([origin.partition for origin in origins], np.int32),
        offsets=np.array([origin.offset for origin in origins], np.int64),
        timestamps=np.array([origin.timestamp for origin in origins], np.int64),
    )


def test_golden_record_ids() -> None:
    vectors = GOLDEN["record_ids"]
    origins = [Origin(v["topic"], v["partition"], v["offset"], v["timestamp"]) for v in vectors]
    assert record_ids(columns(origins)) == [vector["record_id"] for vector in vectors]


@pytest.mark.parametrize("vector", GOLDEN["verdict_ids"], ids=lambda vector: str(vector["id"]))
def test_golden_verdict_ids(vector: dict[str, str]) -> None:
    ids = verdict_ids([vector["record_id"]], vector["detector"], vector["artefact_digest"])
    assert ids == [vector["id"]]


@pytest.mark.parametrize("kind", ["record_ids", "verdict_ids"])
def test_golden_digests_are_of_the_bytes_beside_them(kind: str) -> None:
    for vector in GOLDEN[kind]:
        digest = hashlib.sha256(bytes.fromhex(vector["hashed"])).hexdigest()
        assert digest[:32] == vector["record_id" if kind == "record_ids" else "id"]


@given(st.lists(ORIGINS, max_size=6))
def test_ids_are_equal_when_origins_are(origins: list[Origin]) -> None:
    ids = record_ids(columns(origins))
    assert len(set(ids)) == len(set(origins))
    assert all(re.fullmatch("[0-9a-f]{32}", own) for own in ids)
    assert [record_ids(columns([origin]))[0] for origin in origins] == ids


@given(st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4), st.text(max_size=4))))
def test_verdict_ids_tell_record_detector_and_artefact_apart(
    parts: list[tuple[str, str, str]],
) -> None:
    ids = {verdict_ids([record], detector, digest)[0] for record, detector, digest in parts}
    assert len(ids) == len(set(parts))


def test_origins_of_a_topic_with_rows_replaced_and_taken() -> None:
    origins = Origins.of_topic(
        "t", np.array([0, 1, 2], np.int32), np.array([5, 6, 7]), np.array([8, 9, -1])
    )
    changed = origins.replaced({1: Origin("first", 4, 3, 2)})
    assert changed.topics == ["t", "first", "t"]
    assert changed.partitions.tolist() == [0, 4, 2]
    assert origins.partitions.tolist() == [0, 1, 2]
    last = changed.take(np.array([2, 1]))
    assert (last.topics, last.offsets.tolist()) == (["t", "first"], [7, 3])
    assert last.timestamps.tolist() == [-1, 2]
    assert len(last) == 2
    assert origins.replaced({}) is origins
