"""Batches in pieces of few sizes."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from models.engines.keras import WIDTHS, sizes_on
from models.engines.pieces import cut, padding_on, reached

SIZES = st.lists(st.integers(1, 5000), min_size=1, max_size=6, unique=True).map(
    lambda sizes: sorted(sizes, reverse=True)
)
ROWS = st.integers(1, 20_000)


@given(rows=ROWS, sizes=SIZES, padding=st.sampled_from((0.0, 0.5, 0.9)))
def test_pieces_hold_all_rows_and_only_the_last_has_some_to_spare(
    rows: int, sizes: list[int], padding: float
) -> None:
    pieces = list(cut(rows, sizes, padding))
    assert sum(pieces[:-1]) < rows <= sum(pieces)
    to_spare = sum(pieces) - rows
    assert to_spare <= padding * pieces[-1] or pieces[-1] == sizes[-1]


@given(rows=ROWS, sizes=SIZES, padding=st.sampled_from((0.0, 0.5)))
def test_batches_of_up_to_so_many_rows_have_no_other_pieces_than_are_compiled(
    rows: int, sizes: list[int], padding: float
) -> None:
    compiled = set(reached(rows, sizes, padding))
    for fewer in {1, rows // 3 + 1, rows // 2 + 1, rows}:
        assert set(cut(fewer, sizes, padding)) <= compiled


def test_no_rows_are_no_pieces() -> None:
    assert list(cut(0, (4, 2), 0.5)) == []


def test_a_batch_is_a_piece_or_two_of_each_width_on_a_card() -> None:
    for width in (*WIDTHS, 192):
        sizes = sizes_on("gpu", width)
        most = sizes[0]
        counts = [len(list(cut(rows, sizes, padding_on("gpu")))) for rows in range(1, most + 1)]
        assert sum(counts) / len(counts) < 2
        # The largest pieces of all widths take the same memory, and each size is another's part.
        assert most * width <= 2**19 < 2 * most * width
        assert all(large % small == 0 for large, small in itertools.pairwise(sizes))
