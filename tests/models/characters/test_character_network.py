from __future__ import annotations

import keras
import numpy as np
import pytest

from models.characters.architecture import CharacterConvolutions
from models.characters.network import build
from models.engines.tables import TablesEngine
from tests.models.networks import (
    GRAMS,
    SIZES,
    SMALL,
    TEXTS,
    Tensors,
    defined_logits,
    featurise,
    random_tensors,
)

EVERY_SIZE = pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)


def network_of(sizes: CharacterConvolutions, tensors: Tensors) -> keras.Model:
    network = build(sizes)
    for variable in network.weights:
        variable.assign(tensors[variable.path])
    return network


@EVERY_SIZE
def test_the_network_has_the_tensors_that_its_sizes_imply(sizes: CharacterConvolutions) -> None:
    network = build(sizes)
    assert {weight.path: tuple(weight.shape) for weight in network.weights} == sizes.shapes()
    assert network.count_params() == sizes.weights
    assert sizes.bytes == 4 * sizes.weights


@EVERY_SIZE
def test_network_tables_and_definition_agree(sizes: CharacterConvolutions) -> None:
    tensors = random_tensors(sizes, seed=3)
    features = featurise(TEXTS)
    expected = defined_logits(sizes, tensors, features)
    network = network_of(sizes, tensors)
    by_network = np.asarray(network(features.codes.astype(np.int32), training=False))[:, 0]
    by_tables = TablesEngine(sizes, tensors).logits(features)
    assert np.allclose(by_network, expected, rtol=1e-5, atol=1e-4)
    assert np.allclose(by_tables, expected, rtol=1e-5, atol=1e-4)
    assert by_network.dtype == by_tables.dtype == np.float32


def test_a_text_has_the_same_logit_however_far_it_is_padded() -> None:
    network = network_of(SMALL, random_tensors(SMALL))
    logits = [
        np.asarray(network(featurise(["https://a.example"], width).codes.astype(np.int32)))[0, 0]
        for width in (17, 18, 40, 300)
    ]
    assert np.allclose(logits, logits[0], rtol=0, atol=1e-6)


def test_what_the_network_says_of_padding_is_of_no_account() -> None:
    tensors = random_tensors(SMALL)
    codes = featurise(["https://a.example"], 60).codes.astype(np.int32)
    before = np.asarray(network_of(SMALL, tensors)(codes))
    tensors["embedding/embeddings"][0] = 1e3
    assert np.array_equal(np.asarray(network_of(SMALL, tensors)(codes)), before)


def test_the_default_sizes_are_the_talk_s() -> None:
    # Saxe & Berlin, arXiv 1702.08568; with an alphabet of 128 instead of 100.
    assert CharacterConvolutions().weights == 128 * 32 + (14 * 32 + 4) * 256 + (
        2 * (1024 + 1) * 1024 + 1024 + 1
    )


@pytest.mark.parametrize("length", [1, 2, 3, 40])
def test_n_grams_of_a_text_count_alike_however_far_it_is_padded(length: int) -> None:
    network = network_of(GRAMS, random_tensors(GRAMS))
    text = "https://a.example/b?c=d&e=f#g"[8 : 8 + length]
    logits = [
        np.asarray(network(featurise([text], width).codes.astype(np.int32)))[0, 0]
        for width in (40, 41, 300)
    ]
    assert np.allclose(logits, logits[0], rtol=0, atol=1e-6)


@EVERY_SIZE
def test_sizes_survive_the_manifest(sizes: CharacterConvolutions) -> None:
    assert CharacterConvolutions.from_parameters(sizes.parameters) == sizes
