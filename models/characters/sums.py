"""The sums over a text: convolutions as sums of table rows, and n-grams.

A convolution straight after an embedding never sees anything but rows of the embedding, so for
filter width k, ``conv(embed(x))[t] = b + sum_j T_j[x[t + j]]`` with ``T_j = E @ W_j``, a table of
alphabet x filters. Nothing is computed for padding.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.characters import grams
from models.characters.architecture import CharacterConvolutions
from models.characters.codes import PADDING, CharacterCodes
from models.characters.loops import pool, share_out

Array = NDArray[np.float32]


class PooledSums:
    """Sums over a text, of convolutions as tables and of the vectors of n-grams.

    Args:
        sizes: The network's sizes.
        tensors: Its weights, float32, under the names of `CharacterConvolutions.shapes`.
    """

    def __init__(self, sizes: CharacterConvolutions, tensors: Mapping[str, Array]) -> None:
        self.sizes = sizes
        embeddings = tensors["embedding/embeddings"].copy()
        embeddings[PADDING] = 0
        self._widths = np.array(sizes.filter_widths, np.int64)
        self._tables = np.concatenate(
            [
                np.einsum("ae,jef->jaf", embeddings, tensors[f"convolution_{width}/kernel"])
                for width in sizes.filter_widths
            ]
        )
        self._biases = np.stack(
            [tensors[f"convolution_{width}/bias"] for width in sizes.filter_widths]
        )
        self._orders = np.array(sizes.gram_orders, np.int64)
        self._vectors = tensors.get("grams/vectors", np.zeros((1, 0), np.float32))

    def pooled(self, features: CharacterCodes) -> Array:
        """Scaled sums over each text: float32[n, filters x filter widths + units of n-grams]."""
        codes, seen = features.codes, features.seen
        of_filters = np.empty((len(features), self._biases.size), np.float32)
        pool(self._tables, self._biases, self._widths, codes, seen, of_filters)
        of_filters *= np.float32(self.sizes.pooling_scale)
        if not self.sizes.gram_buckets:
            return of_filters
        of_grams = np.empty((len(features), self.sizes.gram_units), np.float32)
        grams.add_up(self._vectors, self._orders, codes, seen, 0, 0, 1.0, of_grams)
        return np.concatenate([of_filters, of_grams], axis=1)

    def excitations(self, number: int, windows: NDArray[np.uint8]) -> Array:
        """What the filters of one width make of single windows: float32[m, filters].

        Args:
            number: Of the width, from 0.
            windows: uint8[m, that width], codes.
        """
        first = int(self._widths[:number].sum())
        summed = self._biases[number] + sum(
            self._tables[first + place, windows[:, place]] for place in range(windows.shape[1])
        )
        return np.asarray(np.maximum(summed, 0), np.float32)

    def parts(self, features: CharacterCodes, gradient: Array) -> Array:
        """What each character gave of ``gradient . pooled``: float32[n, width].

        Args:
            features: n texts.
            gradient: float32[n, pooled], of the logit by the pooled sums.
        """
        codes, seen = features.codes, features.seen
        parts = np.zeros(codes.shape, np.float32)
        filters = self._biases.size
        of_filters = gradient[:, :filters] * np.float32(self.sizes.pooling_scale)
        share_out(self._tables, self._biases, self._widths, codes, seen, of_filters, parts)
        if self.sizes.gram_buckets:
            of_grams = np.ascontiguousarray(gradient[:, filters:])
            grams.share_out(self._vectors, self._orders, codes, seen, of_grams, parts)
        return parts
