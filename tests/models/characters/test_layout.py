"""Table sums as engines compute them, against the loops that define them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.characters.codes import CharacterCodes
from models.characters.gram_sums import GramSums
from models.characters.layout import TableSums, tables_of
from models.characters.sums import PooledSums
from models.engines.products import LARGEST_INT8, ByteProduct, largest_weight
from tests.models.networks import random_tensors

CODES = 9
SIZES = CharacterConvolutions(
    alphabet=CODES,
    embedding=3,
    filter_widths=(1, 2, 5),
    filters=130,
    gram_orders=(2, 5),
    gram_buckets=64,
    gram_units=17,
)
TEXTS = st.lists(st.lists(st.integers(1, CODES - 1), max_size=40), max_size=5)


def codes_of(texts: list[list[int]]) -> CharacterCodes:
    codes = np.zeros((len(texts), 40), np.uint8)
    for row, text in enumerate(texts):
        codes[row, : len(text)] = text
    lengths = np.array([len(text) for text in texts], np.int64)
    return CharacterCodes(codes=codes, seen=lengths.astype(np.int32), lengths=lengths, read=lengths)


@pytest.mark.parametrize("short", [False, True])
@given(texts=TEXTS, seed=st.integers(0, 3), size=st.sampled_from([1e-3, 1.0, 1e3]))
@settings(deadline=None, max_examples=40)
def test_sums_are_those_of_the_loops(
    short: bool, texts: list[list[int]], seed: int, size: float
) -> None:
    tensors = random_tensors(SIZES, seed)
    tensors["embedding/embeddings"] *= np.float32(size)
    features = codes_of(texts)
    expected = PooledSums(SIZES, tensors).pooled(features)[:, : 3 * SIZES.filters]
    sums = TableSums(SIZES, tables_of(SIZES, tensors), short=short)
    given = (sums(features) * sums.units)[:, sums.of_filters]
    assert sums(features).min(initial=0) >= 0
    # Of int16 each place is rounded, by half a unit at most, and every character may add that.
    longest = max(map(len, texts), default=0)
    most = sums.units[sums.of_filters] * 5 / 2 * longest if short else 0.0
    assert (np.abs(given - expected) <= most + 1e-5 * max(1.0, size)).all()


@pytest.mark.parametrize("exact", [True, False], ids=["int8", "float32"])
@given(texts=TEXTS)
@settings(deadline=None, max_examples=40)
def test_sums_of_n_grams_are_those_of_the_loops(exact: bool, texts: list[list[int]]) -> None:
    tensors = random_tensors(SIZES)
    if exact:
        whole = np.clip(np.rint(tensors["grams/vectors"] * 50), -127, 127)
        whole[0] = 127
        tensors["grams/vectors"] = (whole * np.float32(0.013)).astype(np.float32)
    sums = GramSums(SIZES, tensors["grams/vectors"])
    assert sums.exact_bytes is exact
    features = codes_of(texts)
    expected = PooledSums(SIZES, tensors).pooled(features)[:, 3 * SIZES.filters :]
    assert np.allclose(sums(features), expected, rtol=0, atol=1e-5)


def test_products_of_bytes_are_exact_up_to_the_largest_weight_of_this_machine() -> None:
    generator = np.random.default_rng(0)
    most = largest_weight()
    assert most in {63, LARGEST_INT8}
    rows = generator.choice(np.array([0, 1, 254, 255], np.uint8), (37, 130))
    kernel = generator.choice(np.array([-most, most], np.int8), (130, 33))
    expected: NDArray[np.int32] = rows.astype(np.int32) @ kernel.astype(np.int32)
    assert np.array_equal(ByteProduct(kernel)(rows), expected)
