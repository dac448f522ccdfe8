"""The network that peers run: the plain one of the talk, or the one that Fishweir ships.

The plain one is as the talk has it (eXpose; Saxe & Berlin, arXiv 1702.08568): 100 characters of an
alphabet of 100, an embedding of 32, four convolutions of 256 filters summed over the text, two
dense layers of 1,024. Its weights are those it begins with: what it says is of no use here, what
it costs is the same.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

WIDTH = 100
_INDEX = {char: number for number, char in enumerate(string.printable)}

Score = Callable[[Sequence[str]], list[float]]
"""Scores of n texts."""


def plain() -> keras.Model:
    """int32[n, 100] -> float32[n, 1]."""
    codes = keras.Input((WIDTH,), dtype="int32")
    embedded = layers.Embedding(len(_INDEX), 32)(codes)
    pooled = [
        layers.Lambda(lambda found: ops.sum(found, axis=1))(
            layers.Conv1D(256, width, padding="same", activation="relu")(embedded)
        )
        for width in (2, 3, 4, 5)
    ]
    hidden = layers.Concatenate()(pooled)
    for _ in range(2):
        hidden = layers.Dropout(0.5)(layers.Dense(1024, activation="relu")(hidden))
    return keras.Model(codes, layers.Dense(1, activation="sigmoid")(hidden))


def codes_of(urls: Sequence[str]) -> NDArray[np.int32]:
    """int32[n, 100], padded with 0."""
    codes = np.zeros((len(urls), WIDTH), np.int32)
    for row, url in enumerate(urls):
        own = [_INDEX.get(char, 0) for char in url.lower()[:WIDTH]]
        codes[row, : len(own)] = own
    return codes


def score_with(call: str) -> Score:
    """What scores texts with the plain network.

    Args:
        call: ``predict``, ``predict_on_batch`` or ``function`` (compiled by `tf.function`).
    """
    model = plain()
    if call == "predict":
        return lambda urls: list(model.predict(codes_of(urls), verbose=0)[:, 0].tolist())
    if call == "predict_on_batch":
        return lambda urls: list(np.asarray(model.predict_on_batch(codes_of(urls)))[:, 0].tolist())
    import tensorflow as tf  # noqa: PLC0415 - seconds

    compiled = tf.function(
        lambda codes: model(codes, training=False),
        input_signature=[tf.TensorSpec((None, WIDTH), tf.int32)],
    )
    return lambda urls: list(compiled(codes_of(urls)).numpy()[:, 0].tolist())


def shipped() -> Score:
    """What scores URLs with the network that Fishweir ships, in Keras."""
    from models.artefact import load  # noqa: PLC0415 - only where it is asked for
    from models.detectors import DETECTORS  # noqa: PLC0415

    artefact = load(DETECTORS["url"].bundled)
    featurise, engine = artefact.featuriser(), artefact.engine("keras")

    def score(urls: Sequence[str]) -> list[float]:
        return list(engine.logits(featurise(list(urls))).tolist())

    return score


def named(network: str, call: str) -> Score:
    """A network by name, ``plain`` or ``same``; warm for batches of 1,024."""
    score = shipped() if network == "same" else score_with(call)
    score([f"http://{number}.example/" for number in range(1024)])
    return score
