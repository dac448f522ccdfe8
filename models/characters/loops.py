"""Compiled loops over texts: sums of table rows, forwards and back.

For filter width k, ``conv(embed(x))[t] = b + sum_j T_j[x[t + j - before]]``; what lies outside of
the text adds nothing. The tables of all widths stand behind one another, that of the widest last,
so that the first of width k is ``sum of the widths before``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled, compiled_reordered

Floats = NDArray[np.float32]


@compiled
def activate(
    tables: Floats, bias: Floats, codes: NDArray[np.uint8], position: int, summed: Floats
) -> None:
    """Fill ``summed`` float32[filters] with one convolution at one position, before its ReLU.

    Args:
        tables: float32[width, alphabet, filters].
        bias: float32[filters].
        codes: uint8[characters] of one text.
        position: In the text.
        summed: Is filled.
    """
    filters = len(bias)
    # As 'same' padding lays it: the odd one of an even width stands after.
    before = (len(tables) - 1) // 2
    for f in range(filters):
        summed[f] = bias[f]
    for j in range(len(tables)):
        place = position + j - before
        if 0 <= place < len(codes):
            row = tables[j, codes[place]]
            for f in range(filters):
                summed[f] += row[f]


@compiled_reordered
def weighed(weights: Floats, summed: Floats) -> np.float32:
    """``weights . relu(summed)``, of float32[k] both, added up in any order.

    In the order in which they stand, a processor could not add several at a time.
    """
    total = np.float32(0)
    for f in range(len(weights)):
        total += weights[f] * max(summed[f], np.float32(0))
    return total


@compiled
def pool(
    tables: Floats,
    biases: Floats,
    widths: NDArray[np.int64],
    codes: NDArray[np.uint8],
    seen: NDArray[np.int32],
    sums: Floats,
) -> None:
    """Sum the activations of n texts over their characters.

    Args:
        tables: float32[sum of widths, alphabet, filters].
        biases: float32[widths, filters].
        widths: Characters that filters see.
        codes: uint8[n, width].
        seen: int32[n].
        sums: float32[n, widths x filters], is filled.
    """
    filters = biases.shape[1]
    summed = np.empty(filters, np.float32)
    for row in range(len(seen)):
        text = codes[row, : seen[row]]
        first = 0
        for number in range(len(widths)):
            own = sums[row, number * filters : (number + 1) * filters]
            own[:] = 0
            some = tables[first : first + widths[number]]
            for position in range(len(text)):
                activate(some, biases[number], text, position, summed)
                for f in range(filters):
                    own[f] += max(summed[f], np.float32(0))
            first += widths[number]


@compiled
def pool_back(
    tables: Floats,
    biases: Floats,
    widths: NDArray[np.int64],
    codes: NDArray[np.uint8],
    seen: NDArray[np.int32],
    flowing: Floats,
    of_tables: Floats,
    of_biases: Floats,
) -> None:
    """Add to gradients what flows back through the sums of n texts.

    Args:
        tables: As in `pool`.
        biases: As in `pool`.
        widths: As in `pool`.
        codes: As in `pool`.
        seen: As in `pool`.
        flowing: float32[n, widths x filters], gradient of the sums.
        of_tables: Of the shape of ``tables``, is added to.
        of_biases: Of the shape of ``biases``, is added to.
    """
    filters = biases.shape[1]
    summed = np.empty(filters, np.float32)
    for row in range(len(seen)):
        text = codes[row, : seen[row]]
        first = 0
        for number in range(len(widths)):
            width = widths[number]
            before = (width - 1) // 2
            own = flowing[row, number * filters : (number + 1) * filters]
            some = tables[first : first + width]
            for position in range(len(text)):
                activate(some, biases[number], text, position, summed)
                for f in range(filters):
                    summed[f] = own[f] if summed[f] > 0 else np.float32(0)
                    of_biases[number, f] += summed[f]
                for j in range(width):
                    place = position + j - before
                    if 0 <= place < len(text):
                        target = of_tables[first + j, text[place]]
                        for f in range(filters):
                            target[f] += summed[f]
            first += width


@compiled
def share_out(
    tables: Floats,
    biases: Floats,
    widths: NDArray[np.int64],
    codes: NDArray[np.uint8],
    seen: NDArray[np.int32],
    gradient: Floats,
    parts: Floats,
) -> None:
    """Split ``gradient . sums`` of n texts over their characters.

    A filter's part at a position is shared equally among those of the characters that it saw
    which are text.

    Args:
        tables: As in `pool`.
        biases: As in `pool`.
        widths: As in `pool`.
        codes: As in `pool`.
        seen: As in `pool`.
        gradient: float32[n, widths x filters].
        parts: float32[n, width], zeros, is filled.
    """
    filters = biases.shape[1]
    summed = np.empty(filters, np.float32)
    for row in range(len(seen)):
        text = codes[row, : seen[row]]
        first = 0
        for number in range(len(widths)):
            width = widths[number]
            own = gradient[row, number * filters : (number + 1) * filters]
            some = tables[first : first + width]
            for position in range(len(text)):
                activate(some, biases[number], text, position, summed)
                part = weighed(own, summed)
                start = max(0, position - (width - 1) // 2)
                end = min(len(text), position - (width - 1) // 2 + width)
                for place in range(start, end):
                    parts[row, place] += part / np.float32(end - start)
            first += width
