"""The character network as it is trained: the same numbers, faster, and better conditioned.

Three things differ from the network that is served, and none outlasts the training:

- On TensorFlow without a GPU the convolutions and their gradients are computed as sums of table
  rows, in compiled loops (`models.characters.loops`): some 14 times as fast as TensorFlow's
  convolutions, and the same up to rounding.
- Of a text's n-grams each step looks at some.
- The pooled sums are normalised over the batch (Ioffe & Szegedy, arXiv 1502.03167): sums over
  texts of 5 and of 150 characters differ too much in size for dense layers to begin well. Once
  trained it is an affine map, and `fold` makes it part of the first dense layer.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.characters.gram_layer import SomeGramSums

NORMALISATION = "pooled_norm"


def trainable(
    network: keras.Model, sizes: CharacterConvolutions, *, gram_share: float = 0.5, seed: int = 0
) -> keras.Model:
    """A network that shares the weights of ``network`` (`models.characters.network.build`).

    Args:
        network: To train.
        sizes: Its sizes.
        gram_share: Share of the n-grams that a step looks at: which n-gram is in a text must not
            be learned by heart.
        seed: Of their choice.
    """
    codes = keras.Input((None,), dtype="int32", name="codes")
    if runs_compiled():
        from models.characters.compiled_sums import (  # noqa: PLC0415 - needs TensorFlow
            CompiledGrams,
            CompiledSums,
        )

        hidden = CompiledSums(network, sizes, name="compiled_sums")(codes)
        if sizes.gram_buckets:
            grams = CompiledGrams(network, sizes, kept=gram_share, seed=seed, name="compiled_grams")
            hidden = layers.Concatenate(name="compiled_pooled")([hidden, grams(codes)])
    else:
        outputs = [network.get_layer(f"sum_{width}").output for width in sizes.filter_widths]
        sums = keras.Model(network.input, outputs, name="sums")(codes)
        if sizes.gram_buckets:
            sums.append(SomeGramSums(network, kept=gram_share, seed=seed, name="some_grams")(codes))
        hidden = layers.Concatenate(name="some_pooled")(sums)
    hidden = layers.BatchNormalization(momentum=0.98, name=NORMALISATION)(hidden)
    hidden = layers.Dropout(sizes.dropout, name="pooled_dropout")(hidden)
    for number in range(1, len(sizes.dense) + 1):
        hidden = network.get_layer(f"dense_{number}")(hidden)
        hidden = network.get_layer(f"dense_{number}_dropout")(hidden)
    return keras.Model(codes, network.get_layer("logit")(hidden), name="trainable")


def runs_compiled() -> bool:
    """Whether the loops are the faster way: on TensorFlow, and on a CPU."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf  # noqa: PLC0415 - not there where Keras runs on JAX

    return not tf.config.list_physical_devices("GPU")


def fold(
    tensors: dict[str, NDArray[np.float32]], trained: keras.Model, sizes: CharacterConvolutions
) -> dict[str, NDArray[np.float32]]:
    """Weights of the served network with the normalisation as part of its next layer.

    ``dense(gamma * (x - mean) / sqrt(variance + epsilon) + beta)`` is an affine map of x.

    Args:
        tensors: Of the served network, float32, by name.
        trained: What `trainable` made.
        sizes: Of the network.
    """
    norm = trained.get_layer(NORMALISATION)
    gamma, beta, mean, variance = (
        np.asarray(v, np.float64)
        for v in (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
    )
    scale = gamma / np.sqrt(variance + norm.epsilon)
    shift = beta - mean * scale
    following = "dense_1" if sizes.dense else "logit"
    kernel = tensors[f"{following}/kernel"].astype(np.float64)
    bias = tensors[f"{following}/bias"].astype(np.float64)
    return tensors | {
        f"{following}/kernel": (scale[:, None] * kernel).astype(np.float32),
        f"{following}/bias": (bias + shift @ kernel).astype(np.float32),
    }
