"""The sums of the character network as Keras layers that run compiled loops, forwards and back.

For training with TensorFlow on a CPU. Texts of a batch are dealt to two threads, whatever the
machine has: gradients are added up part by part, and another number of parts would round
otherwise.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from numpy.typing import NDArray

from models.characters import grams
from models.characters.architecture import CharacterConvolutions
from models.characters.codes import PADDING
from models.characters.loops import pool, pool_back

PARTS = 2
_THREADS = ThreadPoolExecutor(PARTS, thread_name_prefix="sums")

Floats = NDArray[np.float32]


class CompiledSums(layers.Layer):
    """Embedding, convolutions and sums over the text, as sums of table rows.

    Input shape: (n, positions), int32 codes. Output shape: (n, filters x filter widths).

    Args:
        network: Whose layers hold the weights.
        sizes: Of the network.
    """

    def __init__(
        self, network: keras.Model, sizes: CharacterConvolutions, **options: object
    ) -> None:
        super().__init__(**options)
        self._sizes = sizes
        self._widths = np.array(sizes.filter_widths, np.int64)
        self.embedding = network.get_layer("embedding")
        self.convolutions = [
            network.get_layer(f"convolution_{width}") for width in sizes.filter_widths
        ]

    def compute_output_shape(self, codes_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(n, positions) -> (n, filters x filter widths)."""
        return (codes_shape[0], self._sizes.filters * len(self._widths))

    def call(self, codes: keras.KerasTensor) -> keras.KerasTensor:
        """Make the tables, then sum their rows."""
        embeddings = self.embedding.embeddings
        tables = ops.concatenate(
            [ops.einsum("ae,jef->jaf", embeddings, layer.kernel) for layer in self.convolutions]
        )
        biases = tf.stack([tf.convert_to_tensor(layer.bias) for layer in self.convolutions])
        sums = self._summed(tables, biases, codes)
        return ops.reshape(sums, (-1, self.compute_output_shape((None, None))[1])) * (
            self._sizes.pooling_scale
        )

    def _summed(self, tables: Any, biases: Any, codes: Any) -> Any:
        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def summed(tables: Any, biases: Any) -> Any:
            def flow_back(flowing: Any) -> Any:
                gradients = tf.numpy_function(
                    self._back, [tables, biases, codes, flowing], [tf.float32, tf.float32]
                )
                return [
                    tf.ensure_shape(gradient, of.shape)
                    for gradient, of in zip(gradients, (tables, biases), strict=True)
                ]

            return tf.numpy_function(self._forth, [tables, biases, codes], tf.float32), flow_back

        return summed(tables, biases)

    def _forth(self, tables: Floats, biases: Floats, codes: NDArray[np.int32]) -> Floats:
        texts, seen = codes.astype(np.uint8), _seen(codes)
        sums = np.empty((len(codes), biases.size), np.float32)

        def some(rows: slice) -> None:
            pool(tables, biases, self._widths, texts[rows], seen[rows], sums[rows])

        list(_THREADS.map(some, _parts(seen)))
        return sums

    def _back(
        self,
        tables: Floats,
        biases: Floats,
        codes: NDArray[np.int32],
        flowing: Floats,
    ) -> tuple[Floats, Floats]:
        texts, seen = codes.astype(np.uint8), _seen(codes)

        def some(rows: slice) -> tuple[Floats, Floats]:
            of_tables, of_biases = np.zeros_like(tables), np.zeros_like(biases)
            pool_back(
                tables,
                biases,
                self._widths,
                texts[rows],
                seen[rows],
                flowing[rows],
                of_tables,
                of_biases,
            )
            return of_tables, of_biases

        of_tables, of_biases = zip(*_THREADS.map(some, _parts(seen)), strict=True)
        return sum(of_tables), sum(of_biases)


class CompiledGrams(layers.Layer):
    """Sums of the vectors of n-grams; in training, of some of them.

    Input shape: (n, positions), int32 codes. Output shape: (n, units).

    Args:
        network: Whose layer holds the vectors.
        sizes: Of the network.
        kept: Share of the n-grams that a step of training looks at.
        seed: Of their choice.
    """

    def __init__(
        self,
        network: keras.Model,
        sizes: CharacterConvolutions,
        *,
        kept: float,
        seed: int,
        **options: object,
    ) -> None:
        super().__init__(**options)
        self._sizes = sizes
        self._orders = np.array(sizes.gram_orders, np.int64)
        self._kept = kept
        self.grams = network.get_layer("grams")
        self.seed_generator = keras.random.SeedGenerator(seed)

    def compute_output_shape(self, codes_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(n, positions) -> (n, units)."""
        return (codes_shape[0], self._sizes.gram_units)

    def call(self, codes: keras.KerasTensor, *, training: bool = False) -> keras.KerasTensor:
        """Add up the vectors."""
        share = self._kept if training else 1.0
        # In order, as dropout draws its own: a training that goes on counts both on (`fit`).
        seed = self.seed_generator.next() if training else ops.zeros(2, "uint32")
        vectors = tf.convert_to_tensor(self.grams.vectors)
        return ops.reshape(self._summed(vectors, codes, seed, share), (-1, self._sizes.gram_units))

    def _summed(self, vectors: Any, codes: Any, seed: Any, share: float) -> Any:
        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def summed(vectors: Any) -> Any:
            def flow_back(flowing: Any) -> Any:
                gradient = tf.numpy_function(
                    partial(self._back, share), [codes, seed, flowing], tf.float32
                )
                return tf.ensure_shape(gradient, vectors.shape)

            forth = tf.numpy_function(
                partial(self._forth, share), [vectors, codes, seed], tf.float32
            )
            return forth, flow_back

        return summed(vectors)

    def _forth(
        self, share: float, vectors: Floats, codes: NDArray[np.int32], seed: NDArray[np.uint32]
    ) -> Floats:
        texts, seen = codes.astype(np.uint8), _seen(codes)
        sums = np.empty((len(codes), self._sizes.gram_units), np.float32)

        def some(rows: slice) -> None:
            grams.add_up(
                vectors,
                self._orders,
                texts[rows],
                seen[rows],
                rows.start,
                _number(seed),
                share,
                sums[rows],
            )

        list(_THREADS.map(some, _parts(seen)))
        return sums

    def _back(
        self, share: float, codes: NDArray[np.int32], seed: NDArray[np.uint32], flowing: Floats
    ) -> Floats:
        texts, seen = codes.astype(np.uint8), _seen(codes)
        of_vectors = np.zeros((self._sizes.gram_buckets, self._sizes.gram_units), np.float32)
        cuts = [self._sizes.gram_buckets * part // PARTS for part in range(PARTS + 1)]

        def some(part: int) -> None:
            buckets = (cuts[part], cuts[part + 1])
            grams.add_back(
                self._orders, texts, seen, _number(seed), share, flowing, buckets, of_vectors
            )

        list(_THREADS.map(some, range(PARTS)))
        return of_vectors


def _number(seed: NDArray[np.uint32]) -> int:
    """A seed of two words as one number."""
    high, low = seed.tolist()
    return int((high << 31) ^ low)


def _seen(codes: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.asarray(np.count_nonzero(codes != PADDING, axis=1), np.int32)


def _parts(seen: NDArray[np.int32]) -> list[slice]:
    """Rows in ``PARTS`` runs of about as many characters."""
    running = np.cumsum(seen)
    cuts = [
        0,
        *np.searchsorted(
            running, [running[-1] * part / PARTS for part in range(1, PARTS)]
        ).tolist(),
        len(seen),
    ]
    return [slice(start, end) for start, end in pairwise(cuts)]
