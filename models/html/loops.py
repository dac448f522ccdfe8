"""Compiled loops of the inspector: what numpy would take several passes over memory for."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from models.html.tokens import PIECES
from models.html.windows import WINDOWS
from models.vectors import (
    FLOATS,
    add,
    add_product,
    larger,
    load,
    nought,
    relu,
    spread,
    store,
    times,
    total,
)

Floats = NDArray[np.float32]

BLOCK: Final = 8 * FLOATS
"""Units that are summed at once, in eight registers."""
_WINDOWS: Final = len(WINDOWS)


@compiled
def sum_pieces(
    counts: NDArray[np.uint16], scaled: Floats, kernel: Floats, units: int, sums: Floats
) -> None:
    """The first layer of the 16 pieces of n pages, without its bias.

    Few bins of a piece hold anything, so it is a sum of some rows of the kernel.

    Args:
        counts: uint16[pieces x bins].
        scaled: float32[65536], of every count.
        kernel: float32[bins x units].
        units: Of the layer, whole blocks.
        sums: float32[pieces x units], is filled.
    """
    bins = len(kernel) // units
    pieces = len(counts) // bins
    places, weights = np.empty(bins, np.int64), np.empty(bins, np.float32)
    zero = nought(load(kernel, 0))
    for piece in range(pieces):
        found = 0
        for own in range(bins):
            count = counts[piece * bins + own]
            places[found] = own * units
            weights[found] = scaled[count]
            found += count > 0
        for first in range(0, units, BLOCK):
            s_0, s_1, s_2, s_3 = zero, zero, zero, zero
            s_4, s_5, s_6, s_7 = zero, zero, zero, zero
            for i in range(found):
                weight = spread(weights[i])
                at = places[i] + first
                s_0 = add_product(s_0, weight, load(kernel, at))
                s_1 = add_product(s_1, weight, load(kernel, at + FLOATS))
                s_2 = add_product(s_2, weight, load(kernel, at + 2 * FLOATS))
                s_3 = add_product(s_3, weight, load(kernel, at + 3 * FLOATS))
                s_4 = add_product(s_4, weight, load(kernel, at + 4 * FLOATS))
                s_5 = add_product(s_5, weight, load(kernel, at + 5 * FLOATS))
                s_6 = add_product(s_6, weight, load(kernel, at + 6 * FLOATS))
                s_7 = add_product(s_7, weight, load(kernel, at + 7 * FLOATS))
            to = piece * units + first
            store(sums, to, s_0)
            store(sums, to + FLOATS, s_1)
            store(sums, to + 2 * FLOATS, s_2)
            store(sums, to + 3 * FLOATS, s_3)
            store(sums, to + 4 * FLOATS, s_4)
            store(sums, to + 5 * FLOATS, s_5)
            store(sums, to + 6 * FLOATS, s_6)
            store(sums, to + 7 * FLOATS, s_7)


@compiled
def average(pieces: Floats, units: int, windows: Floats) -> None:
    """Means over the windows of pages (`models.html.windows.means`).

    Args:
        pieces: float32[n x 16 x units].
        units: Whole vectors.
        windows: float32[n x 31 x units], is filled.
    """
    half = spread(np.float32(0.5))
    for page in range(len(pieces) // (PIECES * units)):
        start = page * _WINDOWS * units
        for at in range(0, PIECES * units, FLOATS):
            store(windows, start + at, load(pieces, page * PIECES * units + at))
        # Each level halves the one before it, which stands right in front of it.
        source, target = start, start + PIECES * units
        while target < start + _WINDOWS * units:
            level_end = target
            while source < level_end:
                for at in range(0, units, FLOATS):
                    pair = add(load(windows, source + at), load(windows, source + units + at))
                    store(windows, target + at, times(pair, half))
                source += 2 * units
                target += units


@compiled
def normalise(
    rows: Floats,
    bias: Floats,
    gamma: Floats,
    beta: Floats,
    real_units: int,
    epsilon: float,
) -> None:
    """Add the bias, normalise each row, and apply ReLU, in place.

    Args:
        rows: float32[rows x units].
        bias: float32[units]; whole vectors, as are the others, with noughts beyond ``real_units``.
        gamma: float32[units].
        beta: float32[units].
        real_units: Of the layer.
        epsilon: Added to variances.
    """
    units = len(bias)
    inverse = np.float32(1) / np.float32(real_units)
    padding = np.float32(units - real_units)
    for first in range(0, len(rows), units):
        summed = nought(load(bias, 0))
        for at in range(0, units, FLOATS):
            given = add(load(rows, first + at), load(bias, at))
            store(rows, first + at, given)
            summed = add(summed, given)
        mean = total(summed) * inverse
        off = spread(-mean)
        squares = nought(load(bias, 0))
        for at in range(0, units, FLOATS):
            given = add(load(rows, first + at), off)
            squares = add_product(squares, given, given)
        # Units that are none were 0 and are now off by the mean.
        variance = (total(squares) - padding * mean * mean) * inverse
        scale = spread(np.float32(1) / np.sqrt(variance + np.float32(epsilon)))
        for at in range(0, units, FLOATS):
            given = times(add(load(rows, first + at), off), scale)
            store(rows, first + at, relu(add_product(load(beta, at), given, load(gamma, at))))


@compiled
def highest(answers: Floats, units: int, maxima: Floats) -> None:
    """The highest answer of every unit among the windows of each page.

    Args:
        answers: float32[n x 31 x units].
        units: Whole vectors.
        maxima: float32[n x units], is filled.
    """
    for page in range(len(maxima) // units):
        start = page * _WINDOWS * units
        for at in range(0, units, FLOATS):
            most = load(answers, start + at)
            for window in range(1, _WINDOWS):
                most = larger(load(answers, start + window * units + at), most)
            store(maxima, page * units + at, most)
