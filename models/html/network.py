"""The hierarchical inspector (Saxe, Harang, Wild, Sanders, arXiv 1804.05020) in Keras.

A page is 16 pieces, each a bag of 1,024 bins. One inspector, two dense layers with layer
normalisation, looks at windows of 1, 2, 4, 8 and 16 pieces; of each of its units the highest
answer among the 31 windows goes to the master network, which gives the logit. A few malicious
tokens stand out in some window, however long the page around them.

Counts are scaled piece by piece (`ScaledCounts`) before anything is averaged. The mean of scaled
pieces commutes with the first dense layer, which is therefore computed for the 16 pieces, and its
answers are averaged: half the arithmetic, and to the last bit but rounding the same.
"""

from __future__ import annotations

import keras
from keras import layers, ops

from models.html.architecture import EPSILON, InspectorSizes
from models.html.tokens import BINS, PIECES
from models.html.windows import WINDOWS


def build(sizes: InspectorSizes) -> keras.Model:
    """The untrained network.

    Input: [n, 16, 1024] counts, float32. Output: float32[n, 1] logits.
    """
    counts = keras.Input((PIECES, BINS), dtype="float32", name="counts")
    hidden = ScaledCounts(name="scaled")(counts)
    for number, units in enumerate(sizes.inspector, start=1):
        hidden = layers.Dense(units, name=f"inspector_{number}")(hidden)
        if number == 1:
            hidden = WindowMeans(name="windows")(hidden)
        hidden = layers.LayerNormalization(epsilon=EPSILON, name=f"inspector_{number}_norm")(hidden)
        hidden = layers.ReLU(name=f"inspector_{number}_relu")(hidden)
        hidden = layers.Dropout(sizes.dropout, name=f"inspector_{number}_dropout")(hidden)
    hidden = layers.GlobalMaxPooling1D(name="highest")(hidden)
    for number, units in enumerate(sizes.master, start=1):
        hidden = layers.Dense(units, activation="relu", name=f"master_{number}")(hidden)
        hidden = layers.Dropout(sizes.dropout, name=f"master_{number}_dropout")(hidden)
    logit = layers.Dense(1, dtype="float32", name="logit")(hidden)
    return keras.Model(counts, logit, name="page_inspector")


class ScaledCounts(layers.Layer):
    """log(1 + count), so that the hundredth of a token says less than its first.

    Input and output shape: (n, pieces, bins).
    """

    def call(self, counts: keras.KerasTensor) -> keras.KerasTensor:
        """Scale element by element."""
        return ops.log1p(counts)


class WindowMeans(layers.Layer):
    """Means over windows of 1, 2, 4, ... pieces: single pieces first, the whole page last.

    Input shape: (n, 16, units). Output shape: (n, 31, units).
    """

    def call(self, pieces: keras.KerasTensor) -> keras.KerasTensor:
        """Halve until one is left."""
        levels = [pieces]
        while (windows := levels[-1].shape[1]) > 1:
            pairs = ops.reshape(levels[-1], (-1, windows // 2, 2, pieces.shape[2]))
            levels.append(ops.mean(pairs, axis=2))
        return ops.concatenate(levels, axis=1)

    def compute_output_shape(self, pieces_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(n, 16, units) -> (n, 31, units)."""
        return (pieces_shape[0], len(WINDOWS), pieces_shape[2])
