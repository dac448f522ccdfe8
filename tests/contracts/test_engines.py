"""One suite for every engine. Keras runs on the backend that KERAS_BACKEND names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.artefact import load, verify
from models.detectors import ENGINES, URL
from models.engines.contract import Engine
from models.characters.codes import CharacterCodes
from tests.models.networks import (
    SMALL,
    TEXTS,
    WIDTH,
    defined_logits,
    featurise,
    random_tensors,
    save_artefact,
)

LARGEST = 2000
# Sums of some hundred float32 products in another order.
ROUNDING = 1e-5
# Around the sizes that batches are cut into, and far from them.
ROWS = (1, 2, 15, 16, 17, 63, 64, 65, 250, 256, 300, 1023, 1024, 1025, 1300, LARGEST)
LENGTHS = (0, 1, 2, 3, 47, 48, 49, 95, 96, 97, WIDTH - 1, WIDTH, WIDTH + 1, 3 * WIDTH)


def many_texts(rows: int) -> list[str]:
    lengths = np.random.default_rng(rows).choice(LENGTHS, rows)
    return [
        (f"https://example.com/{number}/" * 20)[:length]
        for number, length in enumerate(lengths.tolist())
    ]


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    made = URL.engine(
        request.param,
        SMALL,
        random_tensors(SMALL),
        {"kind": "characters", "width": WIDTH, "alphabet": 128},
    )
    made.warm(LARGEST)
    return made


@pytest.fixture(scope="module")
def expected() -> NDArray[np.float64]:
    """Logits of the largest batch, by the network's definition."""
    return defined_logits(SMALL, random_tensors(SMALL), featurise(many_texts(LARGEST)))


def test_logits_are_those_of_the_definition(engine: Engine) -> None:
    features = featurise(TEXTS)
    logits = engine.logits(features)
    assert logits.dtype == np.float32
    assert logits.shape == (len(TEXTS),)
    assert np.allclose(
        logits, defined_logits(SMALL, random_tensors(SMALL), features), rtol=0, atol=1e-4
    )


def test_an_empty_batch_has_no_logits(engine: Engine) -> None:
    logits = engine.logits(featurise([]))
    assert logits.shape == (0,)
    assert logits.dtype == np.float32


@pytest.mark.parametrize("rows", ROWS)
def test_a_text_has_its_logit_in_a_batch_of_any_size(
    engine: Engine, expected: NDArray[np.float64], rows: int
) -> None:
    features = featurise(many_texts(LARGEST)).rows(slice(0, rows))
    assert np.allclose(engine.logits(features), expected[:rows], rtol=0, atol=1e-4)


@given(st.permutations(range(len(TEXTS))), st.integers(0, len(TEXTS)))
@settings(deadline=None, max_examples=25)
def test_neither_order_nor_company_changes_a_logit(
    engine: Engine, order: list[int], rows: int
) -> None:
    alone = np.array([engine.logits(featurise([text]))[0] for text in TEXTS])
    chosen = order[:rows]
    together = engine.logits(featurise([TEXTS[number] for number in chosen]))
    assert np.allclose(together, alone[chosen], rtol=0, atol=ROUNDING)


def test_the_same_batch_again_has_the_same_logits(engine: Engine) -> None:
    features = featurise(many_texts(300))
    assert np.array_equal(engine.logits(features), engine.logits(features))


def test_features_are_left_as_they_are(engine: Engine) -> None:
    features = featurise(many_texts(40))
    codes, seen = features.codes.copy(), features.seen.copy()
    engine.logits(features)
    assert np.array_equal(features.codes, codes)
    assert np.array_equal(features.seen, seen)


def test_features_may_be_views_of_a_larger_batch(
    engine: Engine, expected: NDArray[np.float64]
) -> None:
    features = featurise(many_texts(LARGEST))
    every_third = CharacterCodes(
        codes=features.codes[::3], seen=features.seen[::3], lengths=features.lengths[::3]
    )
    assert np.allclose(engine.logits(every_third), expected[::3], rtol=0, atol=1e-4)


def test_an_engine_says_what_it_is(engine: Engine) -> None:
    description = engine.describe()
    assert description.engine in ENGINES
    assert description.device in {"cpu", "gpu", "tpu"}
    assert description.library


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows when the network's Python code runs: graphs run it only when they are traced."""
    from models.characters.network import TextMask  # noqa: PLC0415 - only the tests that ask wait for Keras

    calls: list[object] = []
    call = TextMask.call

    def counted(self: TextMask, codes: object) -> object:
        calls.append(codes)
        return call(self, codes)

    monkeypatch.setattr(TextMask, "call", counted)
    return calls


@pytest.mark.parametrize("largest", [1, 16, 100, 1024, LARGEST])
def test_after_warming_keras_traces_no_more(traced: list[object], largest: int) -> None:
    engine = URL.engine(
        "keras",
        SMALL,
        random_tensors(SMALL),
        {"kind": "characters", "width": WIDTH, "alphabet": 128},
    )
    traced.clear()
    engine.warm(largest)
    assert traced
    traced.clear()
    for rows in (rows for rows in ROWS if rows <= largest):
        engine.logits(featurise(many_texts(rows)))
    assert traced == []


def test_every_engine_passes_the_golden_texts_of_an_artefact(tmp_path: Path) -> None:
    save_artefact(tmp_path)
    checks = verify(load(tmp_path))
    assert [check.engine for check in checks] == list(ENGINES)
    assert all(check.available and not check.failed for check in checks)
    assert all(check.difference is not None and check.difference < 1e-4 for check in checks)
