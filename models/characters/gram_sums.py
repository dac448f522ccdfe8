"""Sums of the vectors of n-grams, as engines compute them: `models.characters.grams` defines them.

The hashes of all n-grams of one order come from those of the order below, all at once: each is one
product and one sum more. Artefacts store the vectors in int8, a scale a column, so they are added
up in whole numbers: a quarter of the memory to look around in, and exact. Vectors of an artefact
that are no such numbers stay floats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.characters import grams
from models.characters.architecture import CharacterConvolutions
from models.characters.codes import CharacterCodes
from models.characters.grams import FACTOR, FIRST_SHIFT, LAST_SHIFT, MARKER, MIX
from models.compiled import compiled
from models.vectors import (
    FLOATS,
    add,
    as_floats,
    load,
    nought,
    peek,
    store,
    times,
    total,
    widened,
)

Array = NDArray[np.float32]

_LARGEST_BYTE: Final = 127
# Of a column's largest number: what a product and a quotient in float32 may differ by.
_ROUNDING: Final = 1e-6
_FACTOR, _MIX = np.uint32(FACTOR), np.uint32(MIX)
_FIRST_SHIFT, _LAST_SHIFT = np.uint32(FIRST_SHIFT), np.uint32(LAST_SHIFT)


@compiled
def hash_all(
    codes: NDArray[np.uint8],
    orders: NDArray[np.int64],
    mask: np.uint32,
    rolled: NDArray[np.uint32],
    marked: NDArray[np.uint32],
    found: NDArray[np.uint32],
) -> int:
    """Buckets of all n-grams of one text, in any order.

    Args:
        codes: uint8[characters].
        orders: int64[orders], ascending.
        mask: Buckets less one.
        rolled: uint32[characters + 2 at least], is overwritten.
        marked: As ``rolled``.
        found: uint32[n-grams at least], is filled.

    Returns:
        How many there are.
    """
    count = 0
    length = len(codes)
    if length == 0:
        return 0
    marked[0] = MARKER
    for i in range(length):
        marked[i + 1] = codes[i]
    marked[length + 1] = MARKER
    for i in range(length + 2):
        rolled[i] = marked[i]
    order = 1
    power = _FACTOR  # to the order
    for wanted in orders:
        grams = length + 3 - wanted
        if grams <= 0:
            break
        while order < wanted:
            for i in range(length + 2 - order):
                rolled[i] = rolled[i] * _FACTOR + marked[i + order]
            order += 1
            power = np.uint32(power * _FACTOR)
        start = np.uint32(np.uint32(order) * power)
        for i in range(grams):
            h = np.uint32(rolled[i] + start)
            h = np.uint32(h ^ (h >> _FIRST_SHIFT))
            h = np.uint32(h * _MIX)
            h = np.uint32(h ^ (h >> _LAST_SHIFT))
            found[count + i] = np.uint32(h & mask)
        count += grams
    return count


@compiled
def sum_bytes(
    vectors: NDArray[np.int8],
    units: int,
    orders: NDArray[np.int64],
    mask: np.uint32,
    codes: NDArray[np.uint8],
    seen: NDArray[np.int32],
    sums: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> None:
    """Add up the vectors of the n-grams of n texts.

    Args:
        vectors: int8[buckets x units].
        units: Numbers of a vector, whole vectors of 16.
        orders: As in `hash_all`.
        mask: As in `hash_all`.
        codes: uint8[n, width].
        seen: int32[n].
        sums: int32[n x units], is filled.
        counts: int64[n], is filled with how many there are.
    """
    most = codes.shape[1] + 2
    rolled, marked = np.empty(most, np.uint32), np.empty(most, np.uint32)
    found = np.empty(most * len(orders), np.uint32)
    zero = widened(nought(load(vectors, 0)))
    for row in range(len(seen)):
        count = hash_all(codes[row, : seen[row]], orders, mask, rolled, marked, found)
        counts[row] = count
        for first in range(0, units, FLOATS):
            total = zero
            for i in range(count):
                total = add(total, widened(load(vectors, np.int64(peek(found, i)) * units + first)))
            store(sums, row * units + first, total)


@compiled
def sum_floats(
    vectors: NDArray[np.float32],
    units: int,
    orders: NDArray[np.int64],
    mask: np.uint32,
    codes: NDArray[np.uint8],
    seen: NDArray[np.int32],
    sums: NDArray[np.float32],
    counts: NDArray[np.int64],
) -> None:
    """As `sum_bytes`, of float32[buckets x units] into float32[n x units]."""
    most = codes.shape[1] + 2
    rolled, marked = np.empty(most, np.uint32), np.empty(most, np.uint32)
    found = np.empty(most * len(orders), np.uint32)
    zero = nought(load(vectors, 0))
    for row in range(len(seen)):
        count = hash_all(codes[row, : seen[row]], orders, mask, rolled, marked, found)
        counts[row] = count
        for first in range(0, units, FLOATS):
            total = zero
            for i in range(count):
                total = add(total, load(vectors, np.int64(peek(found, i)) * units + first))
            store(sums, row * units + first, total)


@compiled
def share_bytes(
    vectors: NDArray[np.int8],
    units: int,
    orders: NDArray[np.int64],
    mask: np.uint32,
    codes: NDArray[np.uint8],
    seen: NDArray[np.int32],
    weights: NDArray[np.float32],
    parts: NDArray[np.float32],
) -> None:
    """Add each n-gram's part of ``weights . vector`` to its characters, to all of them alike.

    Args:
        vectors: As in `sum_bytes`.
        units: As in `sum_bytes`.
        orders: As in `hash_all`.
        mask: As in `hash_all`.
        codes: uint8[n, width].
        seen: int32[n].
        weights: float32[n x units].
        parts: float32[n, width], is added to.
    """
    most = codes.shape[1] + 2
    rolled, marked = np.empty(most, np.uint32), np.empty(most, np.uint32)
    found = np.empty(most * len(orders), np.uint32)
    given = np.empty(most * len(orders), np.float32)
    for row in range(len(seen)):
        length = seen[row]
        count = hash_all(codes[row, :length], orders, mask, rolled, marked, found)
        # Alone, so that many vectors are on their way from memory at once.
        for gram in range(count):
            part = np.float32(0)
            for first in range(0, units, FLOATS):
                vector = load(vectors, np.int64(peek(found, gram)) * units + first)
                part += total(times(as_floats(widened(vector)), load(weights, row * units + first)))
            given[gram] = part
        gram = 0
        for order in orders:
            # They are found order by order, from the marker before the text on.
            for i in range(max(0, length + 3 - order) if length else 0):
                start, end = max(0, i - 1), min(length, i - 1 + order)
                part = given[gram] / np.float32(end - start)
                gram += 1
                for place in range(start, end):
                    parts[row, place] += part


class GramSums:
    """Sums over the n-grams of texts, of one set of weights; may be used by several threads.

    Args:
        sizes: The network's sizes; with n-grams.
        vectors: float32[buckets, units].
    """

    def __init__(self, sizes: CharacterConvolutions, vectors: Array) -> None:
        self.units = sizes.gram_units
        """Numbers of a sum."""
        self._padded = -(-sizes.gram_units // FLOATS) * FLOATS
        self._orders = np.array(sorted(sizes.gram_orders), np.int64)
        self._mask = np.uint32(sizes.gram_buckets - 1)
        narrow = _in_bytes(vectors)
        stored: NDArray[Any] = vectors if narrow is None else narrow[0]
        self._scales = np.ones(self.units, np.float32) if narrow is None else narrow[1]
        self.exact_bytes = narrow is not None
        """Whether the vectors are those of int8."""
        padded = np.pad(stored, ((0, 0), (0, self._padded - self.units)))
        self._vectors = np.ascontiguousarray(padded).reshape(-1)

    def __call__(self, features: CharacterCodes) -> Array:
        """float32[n, units]."""
        rows = len(features)
        counts = np.empty(rows, np.int64)
        sums = np.empty((rows, self._padded), np.int32 if self.exact_bytes else np.float32)
        add_up: Callable[..., None] = sum_bytes if self.exact_bytes else sum_floats
        add_up(
            self._vectors,
            self._padded,
            self._orders,
            self._mask,
            features.codes,
            features.seen,
            sums.reshape(-1),
            counts,
        )
        scales = 1 / np.sqrt(np.maximum(counts, 1))
        return np.asarray(
            sums[:, : self.units] * self._scales * scales[:, None].astype(np.float32), np.float32
        )

    def share_out(self, features: CharacterCodes, gradient: Array, parts: Array) -> None:
        """Add what each character gave of ``gradient . sums`` to its part.

        Args:
            features: n texts.
            gradient: float32[n, units].
            parts: float32[n, width of the codes].
        """
        if not self.exact_bytes:
            vectors = self._vectors.reshape(-1, self._padded)[:, : self.units]
            grams.share_out(vectors, self._orders, features.codes, features.seen, gradient, parts)
            return
        weights = np.zeros((len(features), self._padded), np.float32)
        counts = np.maximum(self._count(features.seen), 1)
        weights[:, : self.units] = gradient * self._scales / np.sqrt(counts)[:, None]
        share_bytes(
            self._vectors,
            self._padded,
            self._orders,
            self._mask,
            features.codes,
            features.seen,
            weights.reshape(-1),
            parts,
        )

    def _count(self, seen: NDArray[np.int32]) -> NDArray[np.int64]:
        """int64[n], n-grams of each text."""
        counts = np.maximum(seen[:, None] + 3 - self._orders, 0).sum(axis=1)
        return np.where(seen > 0, counts, 0)


def _in_bytes(vectors: Array) -> tuple[NDArray[np.int8], Array] | None:
    """The vectors as int8 and the scale of each column, if that is what they are."""
    vectors = np.ascontiguousarray(vectors)
    largest = np.zeros(vectors.shape[1], np.float32)
    find_largest(vectors, largest)
    if not np.isfinite(largest).all():
        return None
    scales = (largest / np.float32(_LARGEST_BYTE)).astype(np.float32)
    scales = np.where(scales >= np.finfo(np.float32).tiny, scales, np.float32(1))
    stored = np.empty(vectors.shape, np.int8)
    largest_off = np.zeros(len(scales), np.float32)
    narrow(vectors, scales, stored, largest_off)
    return (stored, scales) if (largest_off <= _ROUNDING * largest).all() else None


@compiled
def find_largest(vectors: NDArray[np.float32], largest: NDArray[np.float32]) -> None:
    """The largest size of a number in each column, infinite where one is no number.

    Args:
        vectors: float32[n, units].
        largest: float32[units], noughts; is filled.
    """
    for row in range(len(vectors)):
        for unit in range(len(largest)):
            size = abs(vectors[row, unit])
            if not size <= largest[unit]:
                largest[unit] = size if size > largest[unit] else np.float32(np.inf)


@compiled
def narrow(
    vectors: NDArray[np.float32],
    scales: NDArray[np.float32],
    stored: NDArray[np.int8],
    largest_off: NDArray[np.float32],
) -> None:
    """Round vectors to whole numbers of scales, in one pass over millions.

    Args:
        vectors: float32[n, units].
        scales: float32[units].
        stored: int8[n, units], is filled.
        largest_off: float32[units], noughts; is filled with the largest error of each column.
    """
    for row in range(len(vectors)):
        for unit in range(len(scales)):
            given = vectors[row, unit]
            whole = np.rint(given / scales[unit])
            stored[row, unit] = np.int8(whole)
            off = abs(whole * scales[unit] - given)
            largest_off[unit] = max(largest_off[unit], off)
