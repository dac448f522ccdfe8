"""Hashed n-grams of codes, each with a small vector: the wide part of the character network.

The vectors of all n-grams of a text are added up (as fastText does for words, Bojanowski et al.,
arXiv 1607.04606), and stand beside the sums of the convolutions. An n-gram has no place of its
own but a bucket of a table, by this hash, in unsigned arithmetic of 32 bits:

1. The codes of a text stand between two markers (code ``MARKER``); an empty text has no n-grams.
2. ``h = n``; for each of the n codes c, ``h = h * 16777619 + c``.
3. ``h ^= h >> 15``, ``h *= 739982445``, ``h ^= h >> 12`` (the finaliser of splitmix's kind that
   Ettinger's hash prospector found, and which spreads neighbouring codes over all bits).
4. The bucket is ``h mod buckets``, a power of two.

The sum is divided by the root of the number of n-grams, so that long texts do not outweigh.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled

MARKER = 255
FACTOR, MIX, FIRST_SHIFT, LAST_SHIFT = 16777619, 739982445, 15, 12

Floats = NDArray[np.float32]
_32_BITS = np.uint64(0xFFFFFFFF)
# Dropped n-grams are chosen by a generator of 64 bits (splitmix64, Steele et al. 2014), so that
# they are the same forwards and back.
_STEP, _MIX_1, _MIX_2 = (
    np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)


@compiled
def find(codes: NDArray[np.uint8], order: int, buckets: int, found: NDArray[np.int64]) -> int:
    """Buckets of the n-grams of one text, from its first to its last.

    Args:
        codes: uint8[characters].
        order: n.
        buckets: Of the table, a power of two.
        found: int64[at least characters + 2], is filled.

    Returns:
        How many there are; n-gram i begins with character ``i - 1``, a marker where there is none.
    """
    length = len(codes)
    count = max(0, length + 3 - order) if length else 0
    for i in range(count):
        h = np.uint64(order)
        for place in range(i - 1, i - 1 + order):
            c = np.uint64(codes[place] if 0 <= place < length else MARKER)
            h = (h * np.uint64(FACTOR) + c) & _32_BITS
        h ^= h >> np.uint64(FIRST_SHIFT)
        h = (h * np.uint64(MIX)) & _32_BITS
        h ^= h >> np.uint64(LAST_SHIFT)
        found[i] = np.int64(h & np.uint64(buckets - 1))
    return count


@compiled
def number_of(length: int, orders: NDArray[np.int64]) -> int:
    """How many n-grams a text of so many codes has, of all orders."""
    count = 0
    for order in orders:
        count += max(0, length + 3 - order) if length else 0
    return count


@compiled
def is_kept(seed: int, row: int, gram: int, share: float) -> bool:
    """Whether training looks at an n-gram in a step that has this seed."""
    z = np.uint64(seed) + _STEP * np.uint64((row << 20) + gram + 1)
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    z ^= z >> np.uint64(31)
    return bool((z >> np.uint64(11)) * (1.0 / (1 << 53)) < share)


@compiled
def add_up(
    vectors: Floats,
    orders: NDArray[np.int64],
    codes: NDArray[np.uint8],
    seen: NDArray[np.int32],
    first_row: int,
    seed: int,
    share: float,
    sums: Floats,
) -> None:
    """Add up the vectors of the n-grams of n texts.

    Args:
        vectors: float32[buckets, units].
        orders: int64[orders].
        codes: uint8[n, width].
        seen: int32[n].
        first_row: Number of the first text, for ``seed``.
        seed: Of the dropped n-grams.
        share: Of the n-grams that are looked at; the rest weigh the more.
        sums: float32[n, units], is filled.
    """
    found = np.empty(codes.shape[1] + 2, np.int64)
    for row in range(len(seen)):
        text = codes[row, : seen[row]]
        sums[row] = 0
        gram = 0
        for order in orders:
            for i in range(find(text, order, len(vectors), found)):
                gram += 1
                if share == 1 or is_kept(seed, first_row + row, gram, share):
                    vector = vectors[found[i]]
                    for unit in range(len(vector)):
                        sums[row, unit] += vector[unit]
        sums[row] *= np.float32(1 / (share * np.sqrt(max(1, gram))))


@compiled
def add_back(
    orders: NDArray[np.int64],
    codes: NDArray[np.uint8],
    seen: NDArray[np.int32],
    seed: int,
    share: float,
    flowing: Floats,
    buckets: tuple[int, int],
    of_vectors: Floats,
) -> None:
    """Add to the gradient of some of the vectors what flows back through the sums.

    Args:
        orders: As in `add_up`.
        codes: As in `add_up`.
        seen: As in `add_up`.
        seed: As in `add_up`.
        share: As in `add_up`.
        flowing: float32[n, units], gradient of the sums.
        buckets: First and last (exclusive) of those that this call sees to.
        of_vectors: float32[all buckets, units], is added to.
    """
    found = np.empty(codes.shape[1] + 2, np.int64)
    first, last = buckets
    for row in range(len(seen)):
        text = codes[row, : seen[row]]
        scale = np.float32(1 / (share * np.sqrt(max(1, number_of(len(text), orders)))))
        gram = 0
        for order in orders:
            for i in range(find(text, order, len(of_vectors), found)):
                gram += 1
                bucket = found[i]
                if first <= bucket < last and (share == 1 or is_kept(seed, row, gram, share)):
                    vector = of_vectors[bucket]
                    for unit in range(len(vector)):
                        vector[unit] += scale * flowing[row, unit]


@compiled
def share_out(
    vectors: Floats,
    orders: NDArray[np.int64],
    codes: NDArray[np.uint8],
    seen: NDArray[np.int32],
    gradient: Floats,
    parts: Floats,
) -> None:
    """Add each n-gram's part of ``gradient . sums`` to its characters, to all of them alike.

    Args:
        vectors: As in `add_up`.
        orders: As in `add_up`.
        codes: As in `add_up`.
        seen: As in `add_up`.
        gradient: float32[n, units].
        parts: float32[n, width], is added to.
    """
    found = np.empty(codes.shape[1] + 2, np.int64)
    for row in range(len(seen)):
        text = codes[row, : seen[row]]
        scale = np.float32(1 / np.sqrt(max(1, number_of(len(text), orders))))
        for order in orders:
            for i in range(find(text, order, len(vectors), found)):
                vector = vectors[found[i]]
                part = np.float32(0)
                for unit in range(len(vector)):
                    part += gradient[row, unit] * vector[unit]
                start, end = max(0, i - 1), min(len(text), i - 1 + order)
                for place in range(start, end):
                    parts[row, place] += scale * part / np.float32(end - start)
