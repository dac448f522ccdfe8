"""Compiled loops that add up table rows a block of filters at a time: what engines run.

The loops of `models.characters.loops` define what is computed; these give the same, some four to
seven times as fast, from tables that are laid out for them (`models.characters.layout`):

- The rows of one block of filters are small enough for the cache that is nearest, and one text's
  sums stay in registers from its first character to its last.
- Before and behind each text stand noughts, the padding's code, whose rows are noughts; a bias is
  part of the row of the character that a filter stands on, which is never padding. So there is
  nothing to ask in the loop.
- Short whole numbers (int16) take half the time of floats. What a filter gives at one character
  is at most ``65535 / ADDED`` whatever the text, so that the sums of ``ADDED`` characters fit in
  16 bits, and go on in 32.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import literal_unroll
from numpy.typing import NDArray

from models.compiled import compiled
from models.vectors import (
    FLOATS,
    SHORTS,
    add,
    first_half,
    load,
    nought,
    peek,
    relu,
    second_half,
    store,
)

VECTORS: Final = 4
"""Vectors of a block: more would not stay in registers, fewer are looked up more often."""
ADDED: Final = 8
"""Characters whose sums fit in 16 bits."""


@compiled
def lay_out(
    codes: NDArray[np.uint8],
    seen: NDArray[np.int32],
    margin: int,
    row_length: int,
    places: NDArray[np.int32],
) -> None:
    """Where each character's row begins in the tables, noughts before and behind each text.

    Args:
        codes: uint8[n, width].
        seen: int32[n].
        margin: Noughts before and behind a text at least.
        row_length: Numbers of one row of a table's block.
        places: int32[n x (width + 2 margin)], is filled as far as it is looked at.
    """
    stride = codes.shape[1] + 2 * margin
    for row in range(len(seen)):
        first = row * stride + margin
        for at in range(first - margin, first):
            places[at] = 0
        for at in range(seen[row]):
            places[first + at] = np.int32(codes[row, at]) * np.int32(row_length)
        for at in range(first + seen[row], first + seen[row] + margin):
            places[at] = 0


@compiled
def sum_floats(
    tables: Any,
    of_widths: Any,
    blocks: int,
    places: NDArray[np.int32],
    margin: int,
    seen: NDArray[np.int32],
    columns: int,
    sums: NDArray[np.float32],
) -> None:
    """Sum the activations of all filters over the characters of n texts.

    One call for all, since each lets go of the interpreter's lock and waits for it again.

    Args:
        tables: float32[all numbers], a tuple of them, one a width of filters.
        of_widths: For each width a tuple as long as the filters are wide, which the compiler
            unrolls loops by.
        blocks: Of each table.
        places: From `lay_out`.
        margin: As there.
        seen: int32[n].
        columns: Of the sums.
        sums: float32[n x columns], those of the filters are filled.
    """
    number = 0
    for of_width in literal_unroll(of_widths):
        table = tables[number]
        for block in range(blocks):
            first = block * (len(table) // blocks)
            column = (number * blocks + block) * VECTORS * FLOATS
            _floats_of_block(
                table, first, blocks, of_width, places, margin, seen, column, columns, sums
            )
        number += 1  # noqa: SIM113 - there is no `enumerate` of what is unrolled


@compiled
def _floats_of_block(
    table: NDArray[np.float32],
    first: int,
    blocks: int,
    of_width: Any,
    places: NDArray[np.int32],
    margin: int,
    seen: NDArray[np.int32],
    column: int,
    columns: int,
    sums: NDArray[np.float32],
) -> None:
    step = len(table) // blocks // len(of_width)  # from one place's rows in a filter to the next
    stride = len(places) // max(1, len(seen))
    before = (len(of_width) - 1) // 2
    zero = nought(load(table, 0))
    for row in range(len(seen)):
        sum_0, sum_1, sum_2, sum_3 = zero, zero, zero, zero
        start = row * stride + margin - before
        for position in range(start, start + seen[row]):
            at = first + peek(places, position)
            v_0, v_1 = load(table, at), load(table, at + FLOATS)
            v_2, v_3 = load(table, at + 2 * FLOATS), load(table, at + 3 * FLOATS)
            for j in range(1, len(of_width)):
                at = first + j * step + peek(places, position + j)
                v_0 = add(v_0, load(table, at))
                v_1 = add(v_1, load(table, at + FLOATS))
                v_2 = add(v_2, load(table, at + 2 * FLOATS))
                v_3 = add(v_3, load(table, at + 3 * FLOATS))
            sum_0 = add(sum_0, relu(v_0))
            sum_1 = add(sum_1, relu(v_1))
            sum_2 = add(sum_2, relu(v_2))
            sum_3 = add(sum_3, relu(v_3))
        to = row * columns + column
        store(sums, to, sum_0)
        store(sums, to + FLOATS, sum_1)
        store(sums, to + 2 * FLOATS, sum_2)
        store(sums, to + 3 * FLOATS, sum_3)


@compiled
def sum_shorts(
    tables: Any,
    of_widths: Any,
    blocks: int,
    places: NDArray[np.int32],
    margin: int,
    seen: NDArray[np.int32],
    columns: int,
    sums: NDArray[np.int32],
) -> None:
    """As `sum_floats`, of whole numbers.

    Args:
        tables: int16[all numbers], a tuple of them.
        of_widths: As in `sum_floats`.
        blocks: As in `sum_floats`.
        places: As in `sum_floats`.
        margin: As in `sum_floats`.
        seen: As in `sum_floats`.
        columns: As in `sum_floats`.
        sums: int32[n x columns], those of the filters are filled.
    """
    number = 0
    for of_width in literal_unroll(of_widths):
        table = tables[number]
        for block in range(blocks):
            first = block * (len(table) // blocks)
            column = (number * blocks + block) * VECTORS * SHORTS
            _shorts_of_block(
                table, first, blocks, of_width, places, margin, seen, column, columns, sums
            )
        number += 1  # noqa: SIM113 - there is no `enumerate` of what is unrolled


@compiled
def _shorts_of_block(
    table: NDArray[np.int16],
    first: int,
    blocks: int,
    of_width: Any,
    places: NDArray[np.int32],
    margin: int,
    seen: NDArray[np.int32],
    column: int,
    columns: int,
    sums: NDArray[np.int32],
) -> None:
    step = len(table) // blocks // len(of_width)
    stride = len(places) // max(1, len(seen))
    before = (len(of_width) - 1) // 2
    zero = nought(load(table, 0))
    nothing = first_half(zero)
    for row in range(len(seen)):
        sum_0, sum_1, sum_2, sum_3 = nothing, nothing, nothing, nothing
        sum_4, sum_5, sum_6, sum_7 = nothing, nothing, nothing, nothing
        start = row * stride + margin - before
        end = start + seen[row]
        while start < end:
            some_0, some_1, some_2, some_3 = zero, zero, zero, zero
            for position in range(start, min(end, start + ADDED)):
                at = first + peek(places, position)
                v_0, v_1 = load(table, at), load(table, at + SHORTS)
                v_2, v_3 = load(table, at + 2 * SHORTS), load(table, at + 3 * SHORTS)
                for j in range(1, len(of_width)):
                    at = first + j * step + peek(places, position + j)
                    v_0 = add(v_0, load(table, at))
                    v_1 = add(v_1, load(table, at + SHORTS))
                    v_2 = add(v_2, load(table, at + 2 * SHORTS))
                    v_3 = add(v_3, load(table, at + 3 * SHORTS))
                some_0 = add(some_0, relu(v_0))
                some_1 = add(some_1, relu(v_1))
                some_2 = add(some_2, relu(v_2))
                some_3 = add(some_3, relu(v_3))
            sum_0, sum_1 = add(sum_0, first_half(some_0)), add(sum_1, second_half(some_0))
            sum_2, sum_3 = add(sum_2, first_half(some_1)), add(sum_3, second_half(some_1))
            sum_4, sum_5 = add(sum_4, first_half(some_2)), add(sum_5, second_half(some_2))
            sum_6, sum_7 = add(sum_6, first_half(some_3)), add(sum_7, second_half(some_3))
            start += ADDED
        to = row * columns + column
        store(sums, to, sum_0)
        store(sums, to + FLOATS, sum_1)
        store(sums, to + 2 * FLOATS, sum_2)
        store(sums, to + 3 * FLOATS, sum_3)
        store(sums, to + 4 * FLOATS, sum_4)
        store(sums, to + 5 * FLOATS, sum_5)
        store(sums, to + 6 * FLOATS, sum_6)
        store(sums, to + 7 * FLOATS, sum_7)
