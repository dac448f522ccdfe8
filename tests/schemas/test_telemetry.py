from __future__ import annotations

import base64
import gzip

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.causes import Cause
from schemas.limits import DecodingLimits
from schemas.telemetry import DECODERS, PATH, SUBJECTS, URL, in_parts, max_record_bytes

SMALL = DecodingLimits(max_text_record_bytes=20, max_page_bytes=10, max_part_bytes=25)


def page(size: int) -> bytes:
    packed = base64.b64encode(gzip.compress(b"x" * size)).decode()
    return orjson.dumps({"html_base64": packed, "encoding": "gzip", "id": size})


def test_shapes_of_telemetry_are_found_by_name() -> None:
    assert SUBJECTS == {"url": URL, "path": PATH}
    assert DECODERS["url"]([b'{"url": "a"}']).subjects == ["a"]
    assert DECODERS["path"]([b'{"path": "a"}']).subjects == ["a"]
    assert DECODERS["html"]([b'{"html": "a"}']).subjects == [b"a"]


@pytest.mark.parametrize("detector", ["url", "path"])
def test_limits_of_texts_are_the_callers(detector: str) -> None:
    fits = orjson.dumps({detector: "a"})
    events = DECODERS[detector]([fits, fits.ljust(21)], SMALL)
    assert events.rows.tolist() == [0]
    assert events.rejects.causes == [Cause.OVERSIZED]
    assert max_record_bytes(detector, SMALL) == 20


def test_limits_of_pages_are_the_callers() -> None:
    longest = max_record_bytes("html", SMALL)
    values = [page(10), page(11), b'{"html": "a"}'.ljust(longest), b"{}".ljust(longest + 1)]
    events = DECODERS["html"](values, SMALL)
    assert events.rows.tolist() == [0, 2]
    assert events.rejects.causes == [Cause.PAGE_TOO_LARGE, Cause.OVERSIZED]


@given(st.lists(st.integers(0, 11) | st.none(), max_size=20), st.integers(1, 60))
def test_pages_come_in_parts_that_are_bounded_and_hold_every_row_once(
    sizes: list[int | None], part_bytes: int
) -> None:
    values = [None if size is None else page(size) for size in sizes]
    limits = DecodingLimits(max_page_bytes=10, max_part_bytes=part_bytes)
    whole = DECODERS["html"](values, limits)
    parts = list(in_parts("html", values, limits))
    for part in parts:
        assert sum(map(len, part.subjects)) < part_bytes + limits.max_page_bytes
    assert [own for part in parts for own in part.subjects] == whole.subjects
    assert [own for part in parts for own in part.event_ids] == whole.event_ids
    assert np.concatenate([part.rows for part in parts]).tolist() == whole.rows.tolist()
    refused = np.concatenate([part.rejects.rows for part in parts])
    assert refused.tolist() == whole.rejects.rows.tolist()
    last = -1
    for part in parts:
        own = sorted([*part.rows.tolist(), *part.rejects.rows.tolist()])
        assert own == list(range(last + 1, last + 1 + len(own)))
        last += len(own)
    assert last == len(values) - 1


def test_a_part_is_not_unpacked_before_it_is_asked_for() -> None:
    seen = []

    class Values(list[bytes]):
        def __getitem__(self, index: object) -> bytes:  # type: ignore[override]
            raise AssertionError(index)

        def __iter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204
            for row in range(4):
                seen.append(row)
                yield page(10)

    parts = in_parts("html", Values(), DecodingLimits(max_page_bytes=10, max_part_bytes=10))
    first = next(parts)
    assert (first.rows.tolist(), seen) == ([0], [0, 1])


@pytest.mark.parametrize("detector", ["url", "path"])
def test_texts_are_one_part(detector: str) -> None:
    value = orjson.dumps({detector: "a"})
    (part,) = in_parts(detector, [value, b"", value])
    assert (part.subjects, part.rejects.causes) == (["a", "a"], [Cause.EMPTY_VALUE])


@pytest.mark.parametrize("detector", ["url", "path", "html"])
def test_a_batch_of_nothing_is_one_empty_part(detector: str) -> None:
    (part,) = in_parts(detector, [])
    assert len(part) == len(part.rejects) == 0


def test_unknown_detectors_have_no_telemetry() -> None:
    with pytest.raises(KeyError, match="mail"):
        in_parts("mail", [])
