"""The filters' sums over a text in a form that suits a GPU, the network's up to rounding.

Sums of table rows (`models.characters.layout`), always in float32: 16 times less arithmetic than
the convolutions, and nothing of a text's size is written but the text, while convolutions write all
their activations and have a library try kernels for every shape, for seconds, some of them with
gigabytes of scratch.
"""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.characters.codes import PADDING
from models.characters.layout import tables_of

Tensors = Mapping[str, NDArray[np.float32]]
_NAME = "tables"


def looked_up(
    sizes: CharacterConvolutions, codes: keras.KerasTensor, is_text: keras.KerasTensor
) -> list[keras.KerasTensor]:
    """The sums, for `models.characters.network.build`."""
    return [LookedUpSums(sizes, name=_NAME, dtype="float32")(codes, is_text)]


def tables(sizes: CharacterConvolutions, tensors: Tensors) -> Tensors:
    """The weights of a network with these sums that are not stored, of those that are."""
    return {
        f"{_NAME}/of_{width}": table.astype(np.float32)
        for width, table in zip(sizes.filter_widths, tables_of(sizes, tensors), strict=True)
    }


class LookedUpSums(layers.Layer):
    """Adds up table rows for every window, and over the text what is above 0.

    Input shapes: (n, positions) codes and (n, positions, 1), 1 where there is text.
    Output shape: (n, filters x widths).

    Args:
        sizes: Of the network.
    """

    def __init__(self, sizes: CharacterConvolutions, **options: object) -> None:
        super().__init__(**options)
        self._sizes = sizes

    def build(self, codes_shape: tuple[int | None, ...], is_text_shape: object) -> None:
        """Make the tables."""
        del codes_shape, is_text_shape
        self._tables = [
            self.add_weight(
                name=f"of_{width}",
                shape=(width, self._sizes.alphabet, self._sizes.filters),
                initializer="zeros",
            )
            for width in self._sizes.filter_widths
        ]

    def compute_output_shape(
        self, codes_shape: tuple[int | None, ...], is_text_shape: object
    ) -> tuple[int | None, ...]:
        """(n, positions), (n, positions, 1) -> (n, filters x widths)."""
        del is_text_shape
        return (codes_shape[0], self._sizes.filters * len(self._sizes.filter_widths))

    def call(self, codes: keras.KerasTensor, is_text: keras.KerasTensor) -> keras.KerasTensor:
        """Look up, add up, and once more over the text."""
        positions = ops.shape(codes)[1]
        sums = []
        for width, table in zip(self._sizes.filter_widths, self._tables, strict=True):
            before = (width - 1) // 2  # as 'same' padding lays it
            around = ops.pad(codes, ((0, 0), (before, width - 1 - before)), constant_values=PADDING)
            window = ops.take(table[0], around[:, :positions], axis=0)
            for place in range(1, width):
                window += ops.take(table[place], around[:, place : place + positions], axis=0)
            sums.append(ops.sum(ops.relu(window) * is_text, axis=1))
        return ops.concatenate(sums, axis=1) * self._sizes.pooling_scale
