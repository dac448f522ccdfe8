"""Compiled loops between products of bytes: from sums to bytes, and from a layer to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from models.vectors import (
    FLOATS,
    add_product,
    as_bytes,
    as_floats,
    larger,
    largest,
    load,
    nought,
    peek,
    relu,
    spread,
    store,
    times,
    total,
)

Floats = NDArray[np.float32]
LARGEST_BYTE = 255


@compiled
def to_bytes(
    sums: NDArray[np.int32],
    factors: Floats,
    scratch: Floats,
    octets: NDArray[np.uint8],
    steps: Floats,
) -> None:
    """Numbers from 0 up as bytes, each row with a step of its own.

    Args:
        sums: int32[n x columns], none below 0; columns are whole vectors.
        factors: float32[columns], what each column is multiplied by first.
        scratch: float32[columns].
        octets: uint8[n x columns], is filled.
        steps: float32[n], is filled with what a byte of 1 stands for.
    """
    columns = len(factors)
    for row in range(len(steps)):
        first = row * columns
        highest = nought(load(factors, 0))
        for column in range(0, columns, FLOATS):
            numbers = times(as_floats(load(sums, first + column)), load(factors, column))
            store(scratch, column, numbers)
            highest = larger(highest, numbers)
        _write(scratch, largest(highest), first, columns, octets, steps, row)


@compiled
def _write(
    numbers: Floats,
    highest: float,
    first: int,
    columns: int,
    octets: NDArray[np.uint8],
    steps: Floats,
    row: int,
) -> None:
    step = np.float32(highest) / np.float32(LARGEST_BYTE)
    # A row of noughts, or of numbers next to nothing, is one of bytes of 0.
    if not step > np.finfo(np.float32).tiny:
        steps[row] = 0
        for column in range(columns):
            octets[first + column] = 0
        return
    steps[row] = step
    inverse = spread(np.float32(1) / step)
    for column in range(0, columns, FLOATS):
        store(octets, first + column, as_bytes(times(load(numbers, column), inverse)))


@compiled
def activate(
    sums: NDArray[np.int32],
    steps: Floats,
    scales: Floats,
    biases: Floats,
    further: Floats,
    further_kernel: Floats,
    factors: Floats,
    hidden: Floats,
) -> None:
    """What a layer gives, after its ReLU, and as it goes into the next.

    Args:
        sums: int32[n x units], the product of bytes; units are whole vectors.
        steps: float32[n], what a byte of each row stood for.
        scales: float32[units], what a weight of each unit stands for.
        biases: float32[units].
        further: float32[n x k], what else the layer looks at, k may be 0.
        further_kernel: float32[k x units], its weights.
        factors: float32[units], what each unit is multiplied by for the next layer.
        hidden: float32[n x units], is filled.
    """
    units = len(scales)
    many = len(further) // max(1, len(steps))
    for row in range(len(steps)):
        first = row * units
        step = spread(steps[row])
        for unit in range(0, units, FLOATS):
            scale = times(load(scales, unit), step)
            numbers = add_product(load(biases, unit), as_floats(load(sums, first + unit)), scale)
            for k in range(many):
                weight = load(further_kernel, k * units + unit)
                numbers = add_product(numbers, spread(peek(further, row * many + k)), weight)
            store(hidden, first + unit, times(relu(numbers), load(factors, unit)))


@compiled
def floats_to_bytes(hidden: Floats, octets: NDArray[np.uint8], steps: Floats) -> None:
    """As `to_bytes`, of float32[n x columns]."""
    rows = len(steps)
    columns = len(hidden) // max(1, rows)
    for row in range(rows):
        first = row * columns
        highest = nought(load(hidden, 0))
        for column in range(first, first + columns, FLOATS):
            highest = larger(highest, load(hidden, column))
        _write(
            hidden[first : first + columns], largest(highest), first, columns, octets, steps, row
        )


@compiled
def to_logits(hidden: Floats, kernel: Floats, bias: float, logits: Floats) -> None:
    """The unit on top.

    Args:
        hidden: float32[n x units].
        kernel: float32[units].
        bias: Of the unit.
        logits: float32[n], is filled.
    """
    units = len(kernel)
    for row in range(len(logits)):
        summed = nought(load(kernel, 0))
        for unit in range(0, units, FLOATS):
            summed = add_product(summed, load(hidden, row * units + unit), load(kernel, unit))
        logits[row] = total(summed) + np.float32(bias)
