"""The wide part of the character network as a Keras layer, on any backend."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers, ops

from models.characters.architecture import CharacterConvolutions
from models.characters.codes import PADDING
from models.characters.grams import FACTOR, FIRST_SHIFT, LAST_SHIFT, MARKER, MIX


class GramSums(layers.Layer):
    """Adds up the vectors of a text's hashed n-grams (`models.characters.grams`).

    Input shape: (n, positions), int32 codes. Output shape: (n, units).

    Args:
        sizes: Of the network.
    """

    def __init__(self, sizes: CharacterConvolutions, **options: object) -> None:
        super().__init__(**options)
        self.sizes = sizes

    def build(self, codes_shape: tuple[int | None, ...]) -> None:
        """Make the table. Small numbers: a text adds up hundreds of them."""
        del codes_shape
        self.vectors = self.add_weight(
            name="vectors",
            shape=(self.sizes.gram_buckets, self.sizes.gram_units),
            initializer=keras.initializers.RandomNormal(stddev=0.1),
        )

    def compute_output_shape(self, codes_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(n, positions) -> (n, units)."""
        return (codes_shape[0], self.sizes.gram_units)

    def call(self, codes: keras.KerasTensor) -> keras.KerasTensor:
        """Add up all of them."""
        return added(self.vectors, codes, self.sizes.gram_orders)


class SomeGramSums(layers.Layer):
    """The same sums, in training of some of the n-grams, which weigh the more.

    Input shape: (n, positions), int32 codes. Output shape: (n, units).

    Args:
        network: Whose layer holds the vectors.
        kept: Share of the n-grams that a step of training looks at.
        seed: Of their choice.
    """

    def __init__(self, network: keras.Model, *, kept: float, seed: int, **options: object) -> None:
        super().__init__(**options)
        self._kept = kept
        self.grams: GramSums = network.get_layer("grams")
        self.seed_generator = keras.random.SeedGenerator(seed)

    def compute_output_shape(self, codes_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(n, positions) -> (n, units)."""
        return self.grams.compute_output_shape(codes_shape)

    def call(self, codes: keras.KerasTensor, *, training: bool = False) -> keras.KerasTensor:
        """Add up some in training, else all."""
        orders = self.grams.sizes.gram_orders
        if not training:
            return added(self.grams.vectors, codes, orders)
        # In one draw a step, as dropout draws: a training that goes on counts both on (`fit`).
        drawn = keras.random.uniform(
            (len(orders), ops.shape(codes)[0], ops.shape(codes)[1] + 2), seed=self.seed_generator
        )
        weights = ops.cast(drawn < self._kept, self.compute_dtype) / self._kept
        return added(self.grams.vectors, codes, orders, weights)


def added(
    vectors: keras.KerasTensor,
    codes: keras.KerasTensor,
    orders: Sequence[int],
    weights: keras.KerasTensor | None = None,
) -> keras.KerasTensor:
    """Hash every n-gram, look up, add up.

    Args:
        vectors: float (buckets, units).
        codes: int32 (n, positions).
        orders: Characters of the n-grams.
        weights: (orders, n, positions + 2), of the n-gram that begins at each character or marker;
            None where all weigh 1.
    """
    buckets = vectors.shape[0]
    is_text = ops.cast(ops.not_equal(codes, PADDING), "int32")
    seen = ops.sum(is_text, axis=1, keepdims=True)
    marked = ops.pad(codes, ((0, 0), (1, 1)), constant_values=PADDING)
    places = ops.cumsum(ops.ones_like(marked), axis=1) - 1
    ends = ops.logical_or(ops.equal(places, 0), ops.equal(places, seen + 1))
    marked = ops.where(ends, MARKER, marked)
    total, count = 0.0, 0.0
    for number, order in enumerate(orders):
        # All orders look at every place, so that their shapes are one; those that would go
        # beyond the last marker are masked.
        longer = ops.pad(marked, ((0, 0), (0, order - 1)), constant_values=PADDING)
        h = ops.full_like(marked, order)
        for step in range(order):
            h = h * FACTOR + longer[:, step : ops.shape(marked)[1] + step]
        h = h ^ _shifted(h, FIRST_SHIFT)
        h = h * MIX
        h = h ^ _shifted(h, LAST_SHIFT)
        bucket = ops.bitwise_and(h, buckets - 1)
        is_gram = ops.logical_and(places + order <= seen + 2, seen > 0)
        weight = ops.cast(is_gram, vectors.dtype)
        count = count + ops.sum(weight, axis=1, keepdims=True)
        if weights is not None:
            weight = weight * weights[number]
        found = ops.take(vectors, bucket, axis=0)
        total = total + ops.sum(found * ops.expand_dims(weight, -1), axis=1)
    return total / ops.sqrt(ops.maximum(count, 1.0))


def _shifted(h: keras.KerasTensor, by: int) -> keras.KerasTensor:
    """A logical shift to the right of int32, which shifts arithmetically by itself."""
    return ops.bitwise_and(ops.right_shift(h, by), (1 << (32 - by)) - 1)
