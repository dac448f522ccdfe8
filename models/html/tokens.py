r"""Tokens of a page and the bins they fall in: the compiled loops, and their definition.

A token is a longest run of ASCII word characters (``0-9 A-Z a-z _``) or a longest run of bytes
from 0x80 up: what ``[^\x00-\x7F]+|\w+`` finds in bytes (arXiv 1804.05020). All other bytes only
part tokens. Nothing is decoded, so there is no page that is not one.

A token's bin is that of its bytes, A to Z taken as a to z (tags and attributes mean the same in
either case)::

    h = 0xcbf29ce484222325                                   FNV-1a, 64 bits
    for byte in token: h = (h ^ byte) * 0x100000001b3 mod 2^64
    bin = ((h ^ h >> 32) * 0x9e3779b97f4a7c15 mod 2^64) >> 54         0 to 1,023

The last line spreads what short tokens differ in, the low bits, over the top ones
(http://www.isthe.com/chongo/tech/comp/fnv/; the multiplier is 2^64 over the golden ratio).

The n tokens of a page are cut into 16 pieces: piece p has the tokens from floor(p n / 16) to
before floor((p + 1) n / 16). It begins at its first token's first byte (piece 0 at byte 0) and
ends where the next begins (piece 15 at the page's end): the pieces lie side by side, and tokens
of a piece's bytes alone are the tokens of the piece.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled

PIECES: Final = 16
BINS: Final = 1024
MOST_COUNTED: Final = 65_535
"""A bin of a piece counts no further."""

BASIS: Final = np.uint64(0xCBF29CE484222325)
PRIME: Final = np.uint64(0x100000001B3)
SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
_FOLD_SHIFT = np.uint64(32)
_BIN_SHIFT = np.uint64(64 - 10)

# Bytes are hashed without a branch into a buffer that stays in the first-level cache, which is
# then emptied into the bins: whether a token ends here is a guess that a processor would lose
# every few bytes. Measured over a third faster than one loop.
_BLOCK = 2048

_NOTHING, _WORD, _HIGH = 0, 1, 2


def _kinds() -> NDArray[np.uint8]:
    kinds = np.zeros(256, np.uint8)
    for first, last in ("09", "AZ", "az", "__"):
        kinds[ord(first) : ord(last) + 1] = _WORD
    kinds[0x80:] = _HIGH
    return kinds


def _folded() -> NDArray[np.uint64]:
    folded = np.arange(256, dtype=np.uint64)
    folded[ord("A") : ord("Z") + 1] += np.uint64(ord("a") - ord("A"))
    return folded


_KINDS: Final = _kinds()
_FOLDED: Final = _folded()


@compiled
def count_tokens(page: NDArray[np.uint8]) -> int:
    """How many tokens uint8[bytes] has."""
    tokens = 0
    before = np.uint8(_NOTHING)
    for byte in page:
        kind = _KINDS[byte]
        tokens += (kind != before) & (kind != _NOTHING)
        before = kind
    return tokens


@compiled
def _bin(hashed: np.uint64) -> np.uint64:
    return ((hashed ^ (hashed >> _FOLD_SHIFT)) * SPREAD) >> _BIN_SHIFT


@compiled
def count_bins(
    page: NDArray[np.uint8], counts: NDArray[np.uint16], bounds: NDArray[np.int64]
) -> None:
    """Count the tokens of every piece of one page.

    Args:
        page: uint8[bytes].
        counts: uint16[16, 1024], all 0; filled.
        bounds: int64[17]; filled with where pieces begin, in bytes, and the page's end.
    """
    tokens = count_tokens(page)
    hashes = np.empty(_BLOCK, np.uint64)
    begins = np.empty(_BLOCK, np.int64)
    bounds[:] = len(page)
    bounds[0] = 0
    piece = -1
    next_piece = 0  # the first token that is not of this piece
    token = 0
    before = np.uint8(_NOTHING)
    hashed = BASIS
    begin = 0
    for block in range(0, len(page) + 1, _BLOCK):
        waiting = 0
        for i in range(block, min(block + _BLOCK, len(page))):
            byte = page[i]
            kind = _KINDS[byte]
            changes = kind != before
            hashes[waiting] = hashed
            begins[waiting] = begin
            waiting += changes & (before != _NOTHING)
            hashed = ((BASIS if changes else hashed) ^ _FOLDED[byte]) * PRIME
            begin = i if changes else begin
            before = kind
        if block + _BLOCK > len(page) and before != _NOTHING:
            # No byte is there to end the last token; the loop wrote less than a whole block.
            hashes[waiting] = hashed
            begins[waiting] = begin
            waiting += 1
        for number in range(waiting):
            while token == next_piece:
                piece += 1
                if piece > 0:
                    bounds[piece] = begins[number]
                next_piece = (piece + 1) * tokens // PIECES
            found = _bin(hashes[number])
            count = counts[piece, found]
            counts[piece, found] = count + (count < MOST_COUNTED)
            token += 1


@compiled
def find_tokens(
    page: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    bins: NDArray[np.uint16],
) -> None:
    """Where the tokens of a page are, and the bin of each.

    Args:
        page: uint8[bytes].
        starts: int64[tokens] (`count_tokens`); filled with the index of every first byte.
        ends: int64[tokens]; filled with the index after every last byte.
        bins: uint16[tokens]; filled.
    """
    token = -1
    before = np.uint8(_NOTHING)
    hashed = BASIS
    for i in range(len(page)):
        kind = _KINDS[page[i]]
        if kind != before:
            if before != _NOTHING:
                ends[token] = i
                bins[token] = _bin(hashed)
            if kind != _NOTHING:
                token += 1
                starts[token] = i
                hashed = BASIS
        hashed = (hashed ^ _FOLDED[page[i]]) * PRIME
        before = kind
    if before != _NOTHING:
        ends[token] = len(page)
        bins[token] = _bin(hashed)


@compiled
def count_found(bins: NDArray[np.uint16], counts: NDArray[np.uint16]) -> None:
    """Count the pieces of a page, or of a part of one, whose tokens were found before.

    Args:
        bins: uint16[tokens], from `find_tokens`.
        counts: uint16[16, 1024], all 0; filled as `count_bins` would.
    """
    for piece in range(PIECES):
        for token in range(piece * len(bins) // PIECES, (piece + 1) * len(bins) // PIECES):
            count = counts[piece, bins[token]]
            counts[piece, bins[token]] = count + (count < MOST_COUNTED)
