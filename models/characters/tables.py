"""The convolutions as sums of table rows: the same numbers with far less arithmetic.

A convolution straight after an embedding never sees anything but rows of the embedding, so for
filter width k, ``conv(embed(x))[t] = b + sum_j T_j[x[t + j]]`` with ``T_j = E @ W_j``, a table of
alphabet x filters. Texts are packed one behind the other with padding between them, so that
nothing is computed for the padding of short texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.characters.codes import PADDING, CharacterCodes


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedTexts:
    """n texts behind one another, ``margin`` paddings before, between and after them.

    Attributes:
        codes: int64[positions].
        starts: int64[n], position of each text's first character.
        ends: int64[n], position after its last.
    """

    codes: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


class ConvolutionTables:
    """Tables of one network's convolutions.

    Args:
        sizes: The network's sizes.
        tensors: Its weights, float32, under the names of `CharacterConvolutions.shapes`.
    """

    def __init__(
        self, sizes: CharacterConvolutions, tensors: Mapping[str, NDArray[np.float32]]
    ) -> None:
        self.sizes = sizes
        # Filters of one character need none, but reduceat wants a position after every text.
        self.margin = max(1, max(sizes.filter_widths) - 1)
        embeddings = tensors["embedding/embeddings"].copy()
        embeddings[PADDING] = 0
        self._tables = {
            width: np.einsum("ae,jef->jaf", embeddings, tensors[f"convolution_{width}/kernel"])
            for width in sizes.filter_widths
        }
        for width, table in self._tables.items():
            # Every window meets its first table once, so the bias can live there.
            table[0] += tensors[f"convolution_{width}/bias"]

    def pack(self, features: CharacterCodes) -> PackedTexts:
        """Lay n texts behind one another."""
        seen = features.seen.astype(np.int64)
        ends = np.cumsum(seen + self.margin)
        starts = ends - seen
        codes = np.zeros(int(ends[-1]) + self.margin, np.int64)
        width = features.codes.shape[1]
        is_text = np.arange(width, dtype=np.int64) < seen[:, None]
        codes[(starts[:, None] + np.arange(width))[is_text]] = features.codes[is_text]
        return PackedTexts(codes=codes, starts=starts, ends=ends)

    def window(self, width: int) -> tuple[int, int]:
        """Characters before and after a position that a filter of this width sees.

        As 'same' padding lays it: the odd one of an even width stands after.
        """
        before = (width - 1) // 2
        return before, width - 1 - before

    def activations(self, packed: PackedTexts, width: int) -> NDArray[np.float32]:
        """ReLU of one convolution: float32[positions, filters].

        Positions between texts hold values of no meaning.
        """
        table = self._tables[width]
        before, after = self.window(width)
        padded = np.concatenate(
            [np.zeros(before, np.int64), packed.codes, np.zeros(after, np.int64)]
        )
        positions = len(packed.codes)
        summed = np.empty((positions, self.sizes.filters), np.float32)
        # Codes are never out of range. Mode 'clip' is what lets take() write to `out` unbuffered,
        # which is three times as fast.
        np.take(table[0], padded[:positions], axis=0, out=summed, mode="clip")
        row = np.empty_like(summed)
        for offset in range(1, width):
            np.take(
                table[offset], padded[offset : offset + positions], axis=0, out=row, mode="clip"
            )
            summed += row
        np.maximum(summed, 0, out=summed)
        return summed

    def pooled(self, packed: PackedTexts) -> NDArray[np.float32]:
        """Scaled sums over each text: float32[n, filters x filter widths]."""
        filters = self.sizes.filters
        sums = np.empty((len(packed.starts), filters * len(self.sizes.filter_widths)), np.float32)
        bounds = list(zip(packed.starts.tolist(), packed.ends.tolist(), strict=True))
        ones = np.ones(len(packed.codes), np.float32)
        for number, width in enumerate(self.sizes.filter_widths):
            activations = self.activations(packed, width)
            own = sums[:, number * filters : (number + 1) * filters]
            for row, (start, end) in enumerate(bounds):
                # A product with ones is a sum in one call of BLAS, ten times as fast as
                # numpy.add.reduceat.
                own[row] = ones[: end - start] @ activations[start:end]
        sums *= np.float32(self.sizes.pooling_scale)
        return sums
