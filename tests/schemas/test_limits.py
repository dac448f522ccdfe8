from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.limits import DEFAULT_LIMITS, DecodingLimits
from schemas.telemetry import DECODERS, max_record_bytes

MIB = 2**20


def test_defaults_are_those_of_the_contracts() -> None:
    assert max_record_bytes("url") == max_record_bytes("path") == MIB
    assert DEFAULT_LIMITS.max_page_bytes == 32 * MIB
    assert max_record_bytes("html") == 97 * MIB


@pytest.mark.parametrize("name", ["max_text_record_bytes", "max_page_bytes", "max_part_bytes"])
def test_limits_that_let_nothing_through_are_errors(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is 0"):
        DecodingLimits(**{name: 0})


PRINTED = st.characters(
    exclude_categories=["Cs"], exclude_characters=[*map(chr, range(32)), "\x7f"]
)


@given(st.text(PRINTED, max_size=50) | st.text(st.sampled_from('\n"\\\u00e9€😀'), max_size=50))
def test_a_page_within_its_limit_fits_however_it_is_escaped(text: str) -> None:
    page = text.encode()
    room = 3 * len(page)
    assert len(json.dumps(text)) - 2 <= room
    assert len(base64.b64encode(page)) <= room + 4


def test_the_largest_page_with_all_around_it_is_taken() -> None:
    limits = DecodingLimits(max_page_bytes=30_000)
    event = {
        "html": "é" * 15_000,
        "url": "\x01" * 65_536,
        "id": "\x01" * 1024,
        "user": "ann",
    }
    value = json.dumps(event).encode()
    assert len(value) > 3 * limits.max_page_bytes + 390_000
    assert len(DECODERS["html"]([value], limits)) == 1
