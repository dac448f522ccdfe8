"""What is trained is the network that is served: the same sums, gradients and logits."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.characters.compiled_sums import CompiledGrams, CompiledSums
from models.characters.gram_layer import SomeGramSums
from models.characters.network import build
from models.characters.trainable import fold, trainable
from models.engines.tables import TablesEngine
from tests.models.networks import GRAMS, SIZES, TEXTS, Tensors, featurise, random_tensors

EVERY_SIZE = pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
FEATURES = featurise(TEXTS, 60)
CODES = FEATURES.codes.astype(np.int32)


def network_of(sizes: CharacterConvolutions, seed: int = 0) -> keras.Model:
    network = build(sizes)
    tensors = random_tensors(sizes, seed)
    for variable in network.weights:
        variable.assign(tensors[variable.path])
    return network


def tensors_of(network: keras.Model) -> Tensors:
    return {v.path: np.asarray(v.value) for v in network.weights}


@EVERY_SIZE
def test_sums_and_their_gradients_are_keras_s_own(sizes: CharacterConvolutions) -> None:
    network = network_of(sizes)
    codes = tf.constant(CODES)
    own = keras.Model(network.input, network.get_layer("pooled").output)
    layers = [CompiledSums(network, sizes)]
    if sizes.gram_buckets:
        layers.append(CompiledGrams(network, sizes, kept=1.0, seed=0))
    variables = [v.value for v in own.trainable_variables]
    weighed = tf.constant(
        np.random.default_rng(1).normal(size=(len(CODES), own.output.shape[1])).astype(np.float32)
    )
    with tf.GradientTape() as tape:
        by_keras = own(codes)
        loss = tf.reduce_sum(by_keras * weighed)
    expected = tape.gradient(loss, variables)
    with tf.GradientTape() as tape:
        compiled = tf.concat([layer(codes, training=True) for layer in layers], axis=1)
        loss = tf.reduce_sum(compiled * weighed)
    found = tape.gradient(loss, variables)
    assert np.allclose(compiled, by_keras, rtol=0, atol=1e-4)
    for variable, one, other in zip(own.trainable_variables, found, expected, strict=True):
        gradient = tf.convert_to_tensor(other)  # that of an embedding is sparse
        assert np.any(gradient != 0), variable.path
        assert np.allclose(tf.convert_to_tensor(one), gradient, rtol=1e-4, atol=1e-4), variable.path


def test_n_grams_left_out_of_a_step_are_left_out_of_its_gradient() -> None:
    network = network_of(GRAMS)
    layer = CompiledGrams(network, GRAMS, kept=0.5, seed=3)
    vectors = network.get_layer("grams").vectors.value
    weighed = tf.constant(np.random.default_rng(1).normal(size=(len(CODES), 5)).astype(np.float32))
    losses, gradients = [], []
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(tf.constant(CODES), training=True) * weighed)
        losses.append(float(loss))
        gradients.append(np.asarray(tape.gradient(loss, vectors)))
    # Sums are linear in the vectors: the gradient times the vectors is the loss (Euler), if just
    # the n-grams that were summed have a gradient.
    for loss, gradient in zip(losses, gradients, strict=True):
        assert float((gradient * np.asarray(vectors)).sum()) == pytest.approx(loss, abs=1e-3)
    # Each step leaves out others, and none what a step without training leaves out.
    assert losses[0] != pytest.approx(losses[1], abs=1e-3)
    whole = np.asarray(layer(tf.constant(CODES)))
    assert np.allclose(whole, np.asarray(network.get_layer("grams")(CODES)), rtol=0, atol=1e-5)


def test_n_grams_left_out_change_no_mean() -> None:
    network = network_of(GRAMS)
    layer = CompiledGrams(network, GRAMS, kept=0.5, seed=0)
    codes = tf.constant(CODES)
    mean = np.mean([np.asarray(layer(codes, training=True)) for _ in range(2000)], axis=0)
    assert np.allclose(mean, np.asarray(layer(codes)), rtol=0, atol=0.1)


def test_the_layer_of_any_backend_leaves_n_grams_out_alike() -> None:
    network = network_of(GRAMS)
    layer = SomeGramSums(network, kept=0.5, seed=0)
    whole = np.asarray(network.get_layer("grams")(CODES))
    assert np.array_equal(np.asarray(layer(tf.constant(CODES))), whole)
    # Each row of a batch draws for itself, so one step of many like rows tells their spread.
    many = tf.constant(np.tile(CODES, (2000, 1)))
    compiled = CompiledGrams(network, GRAMS, kept=0.5, seed=0)
    own, other = (
        np.asarray(one(many, training=True)).reshape(2000, *whole.shape)
        for one in (layer, compiled)
    )
    assert np.allclose(own.mean(axis=0), whole, rtol=0, atol=0.1)
    assert np.allclose(own.std(axis=0), other.std(axis=0), rtol=0.15, atol=1e-3)
    assert not np.array_equal(own[0], own[1])


def trained(sizes: CharacterConvolutions, seed: int = 0) -> tuple[keras.Model, keras.Model]:
    """A served network and the one that trains it, after some steps."""
    keras.utils.set_random_seed(seed)
    network = network_of(sizes)
    training = trainable(network, sizes, seed=seed)
    training.compile(
        optimizer=keras.optimizers.AdamW(1e-2),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    targets = (np.arange(len(CODES)) % 2).astype(np.float32)[:, None]
    for _ in range(8):
        training.train_on_batch(CODES, targets)
    return network, training


@EVERY_SIZE
def test_folding_the_normalisation_in_leaves_logits_as_they_are(
    sizes: CharacterConvolutions,
) -> None:
    network, training = trained(sizes)
    expected: NDArray[np.float32] = training.predict_on_batch(CODES)[:, 0]
    stored = fold(tensors_of(network), training, sizes)
    assert {name: tensor.shape for name, tensor in stored.items()} == sizes.shapes()
    assert {tensor.dtype for tensor in stored.values()} == {np.dtype(np.float32)}
    folded = TablesEngine(sizes, stored).logits(FEATURES)
    assert np.allclose(folded, expected, rtol=1e-4, atol=1e-4)
    # It was not in vain: the network without normalisation says something else.
    plain = TablesEngine(sizes, tensors_of(network)).logits(FEATURES)
    assert not np.allclose(plain, expected, rtol=1e-4, atol=1e-4)


@EVERY_SIZE
def test_training_changes_every_weight_of_the_served_network(sizes: CharacterConvolutions) -> None:
    network, _ = trained(sizes)
    before = random_tensors(sizes)
    for name, tensor in tensors_of(network).items():
        assert not np.array_equal(tensor, before[name]), name


def test_one_seed_trains_one_network() -> None:
    one, again, other = (tensors_of(trained(GRAMS, seed)[0]) for seed in (1, 1, 2))
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not np.array_equal(one["grams/vectors"], other["grams/vectors"])
