from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.causes import Cause, Stage
from schemas.dead_letter import DeadLetters, Header, encode
from schemas.dead_letter_reader import own_headers, told
from schemas.origin import Origin, Origins

AT = Origin("telemetry.urls", 3, 1042, 1795509000123)


def letter(
    *,
    value: bytes | None = b"v",
    headers: list[Header] | None = None,
    cause: Cause = Cause.NOT_JSON,
    stage: Stage = Stage.DECODE,
    max_bytes: int | None = None,
) -> list[Header]:
    columns = encode(
        DeadLetters(
            origins=Origins(
                topics=[AT.topic],
                partitions=np.array([AT.partition], np.int32),
                offsets=np.array([AT.offset], np.int64),
                timestamps=np.array([AT.timestamp], np.int64),
            ),
            keys=[None],
            values=[value],
            headers=[headers or []],
            causes=[cause],
            details=["because"],
            stage=stage,
        ),
        max_bytes=max_bytes,
    )
    return columns.headers[0]


@pytest.mark.parametrize("cause", Cause)
def test_what_was_written_is_read(cause: Cause) -> None:
    for stage in Stage:
        known = told(letter(cause=cause, stage=stage, headers=[("h", b"1")]))
        assert known is not None
        assert (known.cause, known.stage, known.detail) == (cause, stage, "because")
        assert known.origin == AT
        assert (known.truncated, known.original_null) == (None, False)


def test_what_was_cut_is_told() -> None:
    known = told(letter(value=b"v" * 5000, max_bytes=2000))

    assert known is not None
    assert (known.truncated, known.original_length) == ("value", "5000")
    assert len(known.original_sha256 or "") == 64


def test_a_tombstone_without_a_key_is_told() -> None:
    known = told(letter(value=None))

    assert known is not None
    assert known.original_null


def without(name: str) -> list[Header]:
    return [header for header in letter() if header[0] != name]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        without("weir-cause"),
        without("weir-stage"),
        without("weir-version"),
        [*letter(), ("weir-cause", b"empty")],
        [*letter(), ("weir-detail", b"again")],
        [*without("weir-version"), ("weir-version", b"2")],
        [*without("weir-stage"), ("weir-stage", b"think")],
        [*without("weir-cause"), ("weir-cause", b"No Code\n")],
        [*without("weir-cause"), ("weir-cause", None)],
    ],
)
def test_what_is_no_letter_of_this_contract(headers: list[Header]) -> None:
    assert told(headers) is None


def test_a_letter_of_a_later_version_is_one_without_an_origin_too() -> None:
    later = told([*without("weir-cause"), ("weir-cause", b"new-cause"), ("weir-new", b"1")])
    lost = told(without("weir-origin-offset"))

    assert later is not None
    assert later.cause == "new-cause"
    assert lost is not None
    assert lost.origin is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted({name for name, _ in letter()})) | st.text(max_size=5),
            st.none() | st.binary(max_size=10) | st.sampled_from([b"1", b"decode", b"empty"]),
        ),
        max_size=12,
    )
)
def test_any_headers_can_be_read(headers: list[Header]) -> None:
    told(headers)


def test_own_headers_are_those_that_came() -> None:
    assert own_headers(letter(headers=[("a", b"1"), ("weir-cause", b"x")])) == [("a", b"1")]
