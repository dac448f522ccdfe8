from __future__ import annotations

import base64
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.html.featuriser import PageFeaturiser, tokens_of
from models.html.tokens import MOST_COUNTED
from tests.models.html import reference
from tests.models.html.reference import PAGES

GOLDEN = json.loads((Path(__file__).parent / "golden_pages.json").read_text("utf-8"))
EVERY_PAGE = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
# Bytes around the borders of the kinds come often enough to meet each other.
BORDERS = bytes(range(0x2F, 0x3B)) + b"@AZ[^_`az{\x7f\x80\xff\x00 <>"
ANY_PAGE = st.one_of(
    st.binary(max_size=400),
    st.lists(st.sampled_from([bytes([byte]) for byte in BORDERS]), max_size=300).map(b"".join),
    # Blocks that the compiled loop works in, and a little more or less.
    st.builds(
        lambda unit, length: (unit * length)[:length],
        st.binary(min_size=1, max_size=5),
        st.sampled_from([2047, 2048, 2049, 4095, 4096, 4097]),
    ),
)


@given(ANY_PAGE)
@example(b"a\x80" * 2048)
@settings(deadline=None)
def test_pieces_are_those_of_the_definition(page: bytes) -> None:
    counts, bounds = reference.featurise(page)
    features = PageFeaturiser()([page])
    assert np.array_equal(features.counts[0], counts)
    assert features.bounds[0].tolist() == bounds


@given(ANY_PAGE)
@settings(deadline=None)
def test_tokens_are_those_of_the_expression(page: bytes) -> None:
    starts, ends, bins = tokens_of(page)
    found = reference.tokens(page)
    assert starts.tolist() == [start for start, _, _ in found]
    assert ends.tolist() == [end for _, end, _ in found]
    assert bins.tolist() == [reference.bin_of(token) for _, _, token in found]


def test_pages_without_a_token_are_silent() -> None:
    pages = [b"", b" \n\t", b"<>.!-\x00", b"<a>", b"\xff", b"_", b"." * 5000 + b"7"]
    assert PageFeaturiser()(pages).silent.tolist() == [True] * 3 + [False] * 4
    assert PageFeaturiser()([]).silent.tolist() == []


def test_the_hash_is_the_published_one() -> None:
    # Vectors of FNV-1a by its authors (draft-eastlake-fnv).
    assert reference.fnv_1a(b"") == 0xCBF29CE484222325
    assert reference.fnv_1a(b"a") == 0xAF63DC4C8601EC8C
    assert reference.fnv_1a(b"foobar") == 0x85944171F73967E8


@pytest.mark.parametrize("vector", GOLDEN, ids=[vector["name"] for vector in GOLDEN])
def test_golden_pages(vector: dict[str, object]) -> None:
    features = PageFeaturiser()([base64.b64decode(str(vector["page_base64"]))])
    pieces, bins = np.nonzero(features.counts[0])
    filled = [
        [int(piece), int(found), int(features.counts[0, piece, found])]
        for piece, found in zip(pieces, bins, strict=True)
    ]
    assert filled == vector["counts"]
    assert features.bounds[0].tolist() == vector["bounds"]


@EVERY_PAGE
def test_a_page_has_the_same_features_in_any_batch(page: bytes) -> None:
    together = PageFeaturiser()([*PAGES.values(), page])
    alone = PageFeaturiser()([page])
    assert np.array_equal(together.counts[-1], alone.counts[0])
    assert np.array_equal(together.bounds[-1], alone.bounds[0])
    assert together.lengths[-1] == alone.lengths[0] == len(page)


@EVERY_PAGE
def test_pieces_lie_side_by_side_and_hold_their_own_tokens(page: bytes) -> None:
    features = PageFeaturiser()([page])
    bounds = features.bounds[0].tolist()
    assert bounds[0] == 0
    assert bounds[-1] == len(page)
    for piece, (start, end) in enumerate(itertools.pairwise(bounds)):
        found = [reference.bin_of(token) for _, _, token in reference.tokens(page[start:end])]
        assert np.array_equal(
            features.counts[0, piece], np.bincount(found or [0], minlength=1024) * bool(found)
        )


@given(st.lists(st.sampled_from(["DIV", "div", "Div", "login", "<", " ", "É"]), max_size=60))
@settings(deadline=None)
def test_ascii_case_means_nothing(words: list[str]) -> None:
    page = "".join(words).encode()
    features = PageFeaturiser()([page, page.lower(), page.upper()])
    assert np.array_equal(features.counts[0], features.counts[1])
    assert np.array_equal(features.counts[0], features.counts[2])


def test_rows_are_those_asked_for() -> None:
    features = PageFeaturiser()(list(PAGES.values()))
    chosen = features.rows(np.array([3, 0, 3]))
    assert chosen.pages == [list(PAGES.values())[row] for row in (3, 0, 3)]
    assert np.array_equal(chosen.counts, features.counts[[3, 0, 3]])
    assert np.array_equal(chosen.bounds, features.bounds[[3, 0, 3]])
    assert chosen.read.tolist() == [len(page) for page in chosen.pages]
    assert list(features.rows(slice(2, 5)).pages) == list(PAGES.values())[2:5]
    assert len(features.rows(slice(0, 0))) == 0


def test_no_pages_give_no_rows() -> None:
    features = PageFeaturiser()([])
    assert len(features) == 0
    assert features.counts.shape == (0, 16, 1024)
    assert features.bounds.shape == (0, 17)


LARGE = {
    "one token of 20 MB": b"A" * 20_000_000,
    "no token in 20 MB": b"<" * 20_000_000,
    "20 MB of tags": b"<div>" * 4_000_000,
    "20 MB of anything": np.random.default_rng(1).integers(0, 256, 20_000_000, np.uint8).tobytes(),
}


@pytest.mark.parametrize("page", LARGE.values(), ids=LARGE)
def test_large_pages_are_read_to_their_end(page: bytes) -> None:
    features = PageFeaturiser()([page])
    starts, _, bins = tokens_of(page)
    pieces = [bins[piece * len(bins) // 16 : (piece + 1) * len(bins) // 16] for piece in range(16)]
    expected = np.array([np.bincount(piece, minlength=1024) for piece in pieces])
    assert np.array_equal(features.counts[0], np.minimum(expected, MOST_COUNTED))
    assert features.read.tolist() == features.lengths.tolist() == [20_000_000]
    assert set(features.bounds[0, 1:16].tolist()) <= {*starts.tolist(), len(page)}
