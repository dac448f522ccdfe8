from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.characters.sides import octets_of, pack, unpack


@given(
    units=st.lists(st.integers(1, 40), max_size=3),
    rows=st.integers(0, 4),
    padding=st.integers(0, 9),
    seed=st.integers(0, 99),
)
def test_what_is_packed_comes_out(units: list[int], rows: int, padding: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    layers = [draw.normal(size=(rows, some + padding)).astype(np.float32) for some in units]
    sides = np.full((rows, octets_of(units)), 0xAA, np.uint8)
    for number, hidden in enumerate(layers):
        pack(np.maximum(hidden, 0), units, number, sides)
    unpacked = unpack(sides, units)
    assert len(unpacked) == len(units)
    for some, hidden, side in zip(units, layers, unpacked, strict=True):
        assert side.dtype == np.float32
        assert np.array_equal(side, hidden[:, :some] > 0)
