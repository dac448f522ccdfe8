"""Hashed n-grams: compiled loops and Keras against the hash as it is documented."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.characters import grams
from models.characters.architecture import CharacterConvolutions
from models.characters.gram_layer import GramSums
from tests.models.networks import defined_buckets

CODES = st.lists(st.integers(1, 254), max_size=30)
TEXTS = st.lists(CODES, min_size=1, max_size=6)
ORDERS = st.lists(st.integers(2, 8), min_size=1, max_size=4)
BUCKETS = st.integers(0, 18).map(lambda bits: 1 << bits)


def columns(texts: list[list[int]], width: int = 30) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Codes uint8[n, width] and how many each row has."""
    codes = np.zeros((len(texts), width), np.uint8)
    for row, text in enumerate(texts):
        codes[row, : len(text)] = text
    return codes, np.array([len(text) for text in texts], np.int32)


@given(codes=CODES, order=st.integers(1, 64), buckets=BUCKETS)
@settings(deadline=None)
@example(codes=[], order=2, buckets=256)
@example(codes=[7], order=3, buckets=256)
@example(codes=[7], order=4, buckets=256)
@example(codes=[254] * 30, order=32, buckets=1 << 18)
def test_n_grams_are_found_where_the_hash_puts_them(
    codes: list[int], order: int, buckets: int
) -> None:
    found = np.full(len(codes) + 3, -1, np.int64)
    count = grams.find(np.array(codes, np.uint8), order, buckets, found)
    assert found[:count].tolist() == defined_buckets(codes, order, buckets)
    # What lies behind is not touched, the place behind the array's least length among it.
    assert np.all(found[count:] == -1)


def test_the_hash_stays_as_it_is() -> None:
    # "login" in a path, in the 2^18 buckets of the URL network.
    codes = np.array([0x82, 0x85, 0x7D, 0x7F, 0x84], np.uint8)
    found = np.empty(7, np.int64)
    count = grams.find(codes, 3, 1 << 18, found)
    assert found[:count].tolist() == [2024, 248533, 135544, 225287, 116207]


@given(length=st.integers(0, 40), orders=ORDERS)
@settings(deadline=None)
def test_n_grams_are_counted_without_looking(length: int, orders: list[int]) -> None:
    found = sum(len(defined_buckets([1] * length, order, 4)) for order in orders)
    assert grams.number_of(length, np.array(orders, np.int64)) == found


def test_buckets_are_evenly_used() -> None:
    # All pairs of 200 codes in 1,024 buckets: 39 each, and by chance hardly more than 70.
    codes = [
        code for first in range(1, 201) for second in range(1, 201) for code in (first, second)
    ]
    found = np.empty(len(codes) + 2, np.int64)
    count = grams.find(np.array(codes, np.uint8), 2, 1024, found)
    used = np.bincount(found[1 : count - 1 : 2], minlength=1024)
    assert used.sum() == 40_000
    assert used.max() < 80
    assert used.min() > 10


@given(texts=TEXTS, orders=ORDERS, buckets=BUCKETS, seed=st.integers(0, 2**63 - 1))
@settings(deadline=None)
def test_sums_are_of_all_n_grams_vectors_over_the_root_of_their_number(
    texts: list[list[int]], orders: list[int], buckets: int, seed: int
) -> None:
    vectors = np.random.default_rng(0).normal(size=(buckets, 3)).astype(np.float32)
    expected = np.zeros((len(texts), 3))
    for row, text in enumerate(texts):
        found = [b for order in orders for b in defined_buckets(text, order, buckets)]
        expected[row] = sum((vectors[b].astype(np.float64) for b in found), np.zeros(3))
        expected[row] /= sqrt(max(1, len(found)))
    sums = np.full((len(texts), 3), np.nan, np.float32)
    grams.add_up(vectors, np.array(orders, np.int64), *columns(texts), 0, seed, 1.0, sums)
    assert np.allclose(sums, expected, rtol=0, atol=1e-4)


@given(
    texts=TEXTS,
    orders=ORDERS,
    seed=st.integers(0, 2**63 - 1),
    share=st.sampled_from([1.0, 0.9, 0.5, 0.1]),
    cut=st.integers(0, 64),
    first=st.integers(0, 5),
)
@settings(deadline=None)
def test_back_flows_what_came_forth_with_the_same_n_grams_left_out(
    texts: list[list[int]], orders: list[int], seed: int, share: float, cut: int, first: int
) -> None:
    # With vectors that are rows of the identity, sums tell how much each bucket counted, so the
    # gradient of any vectors is their transpose times what flows; however the work is dealt out.
    codes, seen = columns(texts)
    which = np.array(orders, np.int64)
    identity = np.eye(64, dtype=np.float32)
    counted = np.empty((len(texts), 64), np.float32)
    first = min(first, len(texts))
    for rows in (slice(0, first), slice(first, len(texts))):
        grams.add_up(
            identity, which, codes[rows], seen[rows], rows.start, seed, share, counted[rows]
        )
    flowing = np.random.default_rng(1).normal(size=(len(texts), 2)).astype(np.float32)
    gradient = np.zeros((64, 2), np.float32)
    for buckets in ((0, cut), (cut, 64)):
        grams.add_back(which, codes, seen, seed, share, flowing, buckets, gradient)
    assert np.allclose(gradient, counted.T @ flowing, rtol=0, atol=1e-4)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0], ids=str)
def test_a_share_of_n_grams_is_kept_that_seed_row_and_place_decide(share: float) -> None:
    def kept(seed: int) -> list[bool]:
        return [grams.is_kept(seed, row, gram, share) for row in range(40) for gram in range(100)]

    one, again, other = kept(5), kept(5), kept(6)
    assert one == again
    # Five standard deviations of 4,000 draws.
    assert np.mean(one) == pytest.approx(share, abs=5 * sqrt(share * (1 - share) / 4000))
    if 0 < share < 1:
        alike = np.mean(np.array(one) == np.array(other))
        assert alike == pytest.approx(share**2 + (1 - share) ** 2, abs=0.05)


@given(
    texts=TEXTS,
    orders=st.sampled_from([(2,), (3, 4, 5, 6), (8, 2)]),
    buckets=st.sampled_from([1, 256, 1 << 18]),
    padding=st.integers(0, 3),
)
@settings(deadline=None, max_examples=40)
def test_the_keras_layer_gives_the_compiled_sums(
    texts: list[list[int]], orders: tuple[int, ...], buckets: int, padding: int
) -> None:
    codes, seen = columns(texts, 30 + padding)
    layer = GramSums(CharacterConvolutions(gram_orders=orders, gram_buckets=buckets, gram_units=3))
    given_ = np.asarray(layer(codes.astype(np.int32)))
    vectors = np.asarray(layer.vectors.value)
    sums = np.empty((len(texts), 3), np.float32)
    grams.add_up(vectors, np.array(orders, np.int64), codes, seen, 0, 0, 1.0, sums)
    assert given_.shape == layer.compute_output_shape(codes.shape)
    assert np.allclose(given_, sums, rtol=0, atol=1e-5)
