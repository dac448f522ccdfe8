from __future__ import annotations

import keras
import numpy as np
import pytest

from models.html.architecture import InspectorSizes
from models.html.featuriser import PageFeaturiser
from models.html.network import build
from models.html.tables import PagesTablesEngine
from tests.models.html.reference import PAGES, SIZES, Tensors, defined_logit, random_tensors

EVERY_SIZE = pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)


def network_of(sizes: InspectorSizes, tensors: Tensors) -> keras.Model:
    network = build(sizes)
    for variable in network.weights:
        variable.assign(tensors[variable.path])
    return network


@EVERY_SIZE
def test_the_network_has_the_tensors_that_its_sizes_imply(sizes: InspectorSizes) -> None:
    network = build(sizes)
    assert {weight.path: tuple(weight.shape) for weight in network.weights} == sizes.shapes()
    assert network.count_params() == sizes.weights
    assert sizes.bytes == 4 * sizes.weights


@EVERY_SIZE
def test_network_products_and_definition_agree(sizes: InspectorSizes) -> None:
    tensors = random_tensors(sizes, seed=3)
    features = PageFeaturiser()(list(PAGES.values()))
    expected = [defined_logit(sizes, tensors, counts) for counts in features.counts]
    by_network = np.asarray(
        network_of(sizes, tensors)(features.counts.astype(np.float32), training=False)
    )[:, 0]
    by_products = PagesTablesEngine(sizes, tensors).logits(features)
    assert np.allclose(by_network, expected, rtol=0, atol=1e-4)
    assert np.allclose(by_products, expected, rtol=0, atol=1e-4)
    assert by_network.dtype == by_products.dtype == np.float32
    assert sizes.inspector[0] == 1 or np.ptp(expected) > 10 * 1e-4


def test_windows_know_no_order_of_their_pieces() -> None:
    sizes = SIZES["small"]
    features = PageFeaturiser()([PAGES["a form"], PAGES["a form"]])
    features.counts[0] += np.arange(16, dtype=np.uint16)[:, None]  # no piece is like another
    # Two pieces of one window of two change places: every window has the pieces it had.
    features.counts[1] = features.counts[0][[1, 0, *range(2, 16)]]
    first, second = PagesTablesEngine(sizes, random_tensors(sizes)).logits(features)
    assert first == pytest.approx(second, abs=1e-5)


def test_the_bundled_sizes_fit_the_budget() -> None:
    # Weights of an artefact take 10 MB at most as stored.
    assert InspectorSizes().bytes <= 10_000_000
