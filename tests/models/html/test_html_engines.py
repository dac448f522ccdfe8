"""Both engines of pages. Keras runs on the backend that KERAS_BACKEND names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.engines.contract import Engine
from models.html.features import PageFeatures
from models.html.featuriser import PageFeaturiser
from models.html.keras import PagesKerasEngine
from models.html.tables import PagesTablesEngine
from tests.models.html.reference import PAGES, SMALL, defined_logit, random_tensors

LARGEST = 330
ROWS = (1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 255, 256, 257, LARGEST)
ENGINES: dict[str, type[PagesKerasEngine | PagesTablesEngine]] = {
    "keras": PagesKerasEngine,
    "tables": PagesTablesEngine,
}
# Sums of a thousand float32 products in another order.
ROUNDING = 1e-5


def many_pages(rows: int) -> list[bytes]:
    pages = list(PAGES.values())
    return [pages[row % len(pages)][: 40 + row * 7] for row in range(rows)]


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    made = ENGINES[request.param](SMALL, random_tensors(SMALL))
    made.warm(LARGEST)
    return made


@pytest.fixture(scope="module")
def features() -> PageFeatures:
    return PageFeaturiser()(many_pages(LARGEST))


@pytest.fixture(scope="module")
def expected(features: PageFeatures) -> NDArray[np.float64]:
    return np.array(
        [defined_logit(SMALL, random_tensors(SMALL), counts) for counts in features.counts]
    )


@pytest.mark.parametrize("rows", ROWS)
def test_a_page_has_its_logit_in_a_batch_of_any_size(
    engine: Engine, features: PageFeatures, expected: NDArray[np.float64], rows: int
) -> None:
    logits = engine.logits(features.rows(slice(0, rows)))
    assert logits.dtype == np.float32
    assert logits.shape == (rows,)
    assert np.allclose(logits, expected[:rows], rtol=0, atol=1e-4)


def test_an_empty_batch_has_no_logits(engine: Engine) -> None:
    logits = engine.logits(PageFeaturiser()([]))
    assert logits.shape == (0,)
    assert logits.dtype == np.float32


@given(st.permutations(range(len(PAGES))), st.integers(0, len(PAGES)))
@settings(deadline=None, max_examples=25)
def test_neither_order_nor_company_changes_a_logit(
    engine: Engine, order: list[int], rows: int
) -> None:
    features = PageFeaturiser()(list(PAGES.values()))
    together = engine.logits(features)
    chosen = np.array(order[:rows], np.int64)
    assert np.allclose(engine.logits(features.rows(chosen)), together[chosen], atol=ROUNDING)


def test_features_are_left_as_they_are(engine: Engine, features: PageFeatures) -> None:
    before = features.counts.copy()
    engine.logits(features)
    assert np.array_equal(features.counts, before)


def test_features_may_be_views_of_a_larger_batch(
    engine: Engine, features: PageFeatures, expected: NDArray[np.float64]
) -> None:
    every_third = features.rows(slice(None, None, 3))
    assert np.allclose(engine.logits(every_third), expected[::3], rtol=0, atol=1e-4)


def test_an_engine_says_what_it_is(engine: Engine) -> None:
    description = engine.describe()
    assert description.engine in ENGINES
    assert description.device in {"cpu", "gpu", "tpu"}
    assert description.library


@pytest.mark.parametrize("largest", [1, 16, 100, LARGEST])
def test_after_warming_keras_traces_no_more(
    monkeypatch: pytest.MonkeyPatch, features: PageFeatures, largest: int
) -> None:
    from models.html.network import WindowMeans  # noqa: PLC0415 - only this test waits for Keras

    traced: list[object] = []
    call = WindowMeans.call

    def counted(self: WindowMeans, pieces: object) -> object:
        traced.append(pieces)
        return call(self, pieces)

    monkeypatch.setattr(WindowMeans, "call", counted)
    engine = PagesKerasEngine(SMALL, random_tensors(SMALL))
    traced.clear()
    engine.warm(largest)
    assert traced
    traced.clear()
    for rows in (rows for rows in ROWS if rows <= largest):
        engine.logits(features.rows(slice(0, rows)))
    assert traced == []
