"""Splits weighed sums over the characters, in the loops and tables of `table_sums`.

`models.characters.loops.share_out` defines what is computed; this gives the same but for rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import literal_unroll
from numpy.typing import NDArray

from models.characters.table_sums import VECTORS
from models.compiled import compiled
from models.vectors import FLOATS, add, add_product, load, peek, relu, times, total

Floats = NDArray[np.float32]


@compiled
def weigh_floats(
    tables: Any,
    of_widths: Any,
    blocks: int,
    places: NDArray[np.int32],
    margin: int,
    seen: NDArray[np.int32],
    weights: Floats,
    columns: int,
    windows: Floats,
    parts: Floats,
) -> None:
    """Share what all filters give, each times its weight, among the characters that they saw.

    Args:
        tables: As in `models.characters.table_sums.sum_floats`.
        of_widths: As there.
        blocks: As there.
        places: As there.
        margin: As there.
        seen: As there.
        weights: float32[n x columns], those of each text's sums.
        columns: Of the weights.
        windows: float32[n, width], is overwritten.
        parts: float32[n, width], is added to.
    """
    number = 0
    for of_width in literal_unroll(of_widths):
        windows[:] = 0
        for block in range(blocks):
            column = (number * blocks + block) * VECTORS * FLOATS
            _weigh_block(
                tables[number],
                block,
                blocks,
                of_width,
                places,
                margin,
                seen,
                weights,
                column,
                columns,
                windows,
            )
        _spread_windows(windows, len(of_width), seen, parts)
        number += 1  # noqa: SIM113 - there is no `enumerate` of what is unrolled


@compiled
def _weigh_block(
    table: Floats,
    block: int,
    blocks: int,
    of_width: Any,
    places: NDArray[np.int32],
    margin: int,
    seen: NDArray[np.int32],
    weights: Floats,
    column: int,
    columns: int,
    windows: Floats,
) -> None:
    """Add what one block of filters gives at each position, each filter times its weight."""
    first = block * (len(table) // blocks)
    step = len(table) // blocks // len(of_width)
    stride = len(places) // max(1, len(seen))
    before = (len(of_width) - 1) // 2
    for row in range(len(seen)):
        own = row * columns + column
        w_0, w_1 = load(weights, own), load(weights, own + FLOATS)
        w_2, w_3 = load(weights, own + 2 * FLOATS), load(weights, own + 3 * FLOATS)
        start = row * stride + margin - before
        for position in range(seen[row]):
            at = first + peek(places, start + position)
            v_0, v_1 = load(table, at), load(table, at + FLOATS)
            v_2, v_3 = load(table, at + 2 * FLOATS), load(table, at + 3 * FLOATS)
            for j in range(1, len(of_width)):
                at = first + j * step + peek(places, start + position + j)
                v_0 = add(v_0, load(table, at))
                v_1 = add(v_1, load(table, at + FLOATS))
                v_2 = add(v_2, load(table, at + 2 * FLOATS))
                v_3 = add(v_3, load(table, at + 3 * FLOATS))
            some = add_product(times(w_0, relu(v_0)), w_1, relu(v_1))
            more = add_product(times(w_2, relu(v_2)), w_3, relu(v_3))
            windows[row, position] += total(add(some, more))


@compiled
def _spread_windows(windows: Floats, width: int, seen: NDArray[np.int32], parts: Floats) -> None:
    """Share what filters of one width gave at each position among the characters they saw."""
    for row in range(len(seen)):
        for position in range(seen[row]):
            start = max(0, position - (width - 1) // 2)
            end = min(seen[row], position - (width - 1) // 2 + width)
            share = windows[row, position] / np.float32(end - start)
            for place in range(start, end):
                parts[row, place] += share
