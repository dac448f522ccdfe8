"""The network of the talk (eXpose; Saxe & Berlin, arXiv 1702.08568), with its faults mended.

Character codes are embedded; convolutions of several widths look at every position; each filter
is summed over the text; beside them stand the sums of hashed n-grams' vectors (wide and deep, Cheng
et al., arXiv 1606.07792); dense layers judge. Unlike the authors' release, padding has a code of
its own and takes no part in the sums, so that a text has the same logit however far it is padded,
and the output is the logit: a float32 probability saturates at 1.0 and with it the low
false-positive thresholds.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers, ops

from models.characters.architecture import CharacterConvolutions
from models.characters.codes import PADDING
from models.characters.gram_layer import GramSums

Sums = Callable[
    [CharacterConvolutions, keras.KerasTensor, keras.KerasTensor], list[keras.KerasTensor]
]


def convolutions(
    sizes: CharacterConvolutions, codes: keras.KerasTensor, is_text: keras.KerasTensor
) -> list[keras.KerasTensor]:
    """Sums over the text, by filter width, as the talk has them."""
    embedded = layers.Embedding(sizes.alphabet, sizes.embedding, name="embedding")(codes)
    embedded = layers.Multiply(name="embedded_text")([embedded, is_text])
    return [
        MaskedSum(scale=sizes.pooling_scale, name=f"sum_{width}")(
            layers.Conv1D(
                sizes.filters,
                width,
                padding="same",
                activation="relu",
                name=f"convolution_{width}",
            )(embedded),
            is_text,
        )
        for width in sizes.filter_widths
    ]


def build(sizes: CharacterConvolutions, sums: Sums = convolutions) -> keras.Model:
    """The untrained network.

    Input: int32[n, positions] codes, any number of positions, right-padded with 0.
    Output: float32[n, 1] logits.

    Args:
        sizes: Of the network.
        sums: The filters' sums over a text, of codes and of where there is text.
    """
    codes = keras.Input((None,), dtype="int32", name="codes")
    is_text = TextMask(name="is_text")(codes)
    pooled = sums(sizes, codes, is_text)
    if sizes.gram_buckets:
        # Hundreds of small numbers, which a narrow sum would round away; they are no products.
        pooled.append(GramSums(sizes, name="grams", dtype="float32")(codes))
    hidden = layers.Concatenate(name="pooled")(pooled)
    for number, units in enumerate(sizes.dense, start=1):
        hidden = layers.Dense(units, activation="relu", name=f"dense_{number}")(hidden)
        hidden = layers.Dropout(sizes.dropout, name=f"dense_{number}_dropout")(hidden)
    logit = layers.Dense(1, dtype="float32", name="logit")(hidden)
    return keras.Model(codes, logit, name="character_convolutions")


class TextMask(layers.Layer):
    """Tells text from padding.

    Input shape: (n, positions), codes. Output shape: (n, positions, 1), 1.0 where there is text.
    """

    def call(self, codes: keras.KerasTensor) -> keras.KerasTensor:
        """Compare with the padding code."""
        return ops.expand_dims(ops.cast(ops.not_equal(codes, PADDING), self.compute_dtype), -1)

    def compute_output_shape(self, codes_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(n, positions) -> (n, positions, 1)."""
        return (*codes_shape, 1)


class MaskedSum(layers.Layer):
    """Sums activations over the positions that hold text.

    Input shapes: (n, positions, filters) and (n, positions, 1), the second 1 where there is text.
    Output shape: (n, filters).
    """

    def __init__(self, scale: float, **options: object) -> None:
        super().__init__(**options)
        self.scale = scale

    def call(self, activations: keras.KerasTensor, is_text: keras.KerasTensor) -> keras.KerasTensor:
        """Multiply by the mask, sum, scale."""
        return ops.sum(activations * is_text, axis=1) * self.scale

    def compute_output_shape(
        self, activations_shape: tuple[int | None, ...], is_text_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """(n, positions, filters), (n, positions, 1) -> (n, filters)."""
        del is_text_shape
        return (activations_shape[0], activations_shape[2])
