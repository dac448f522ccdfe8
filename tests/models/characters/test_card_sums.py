"""The engine as it is on a GPU, on a CPU: what is computed is the same, and where is not tested."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from models.characters.architecture import CharacterConvolutions
from models.characters.network import TextMask
from models.engines import graph
from models.engines.contract import EngineOptions
from models.engines.keras import KerasEngine
from models.url.featuriser import UrlFeaturiser
from tests.models.networks import (
    GRAMS,
    SIZES,
    SMALL,
    TEXTS,
    WIDTH,
    defined_logits,
    featurise,
    random_tensors,
)


@pytest.fixture(autouse=True)
def card(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes engines believe that they have a GPU."""
    device = graph._device

    def taken_for_a_gpu(backend: str, options: EngineOptions) -> str:
        device(backend, options)
        return "gpu"

    with monkeypatch.context() as patched:
        patched.setattr(graph, "_device", taken_for_a_gpu)
        yield


def engine_of(sizes: CharacterConvolutions, options: EngineOptions | None = None) -> KerasEngine:
    return KerasEngine(sizes, random_tensors(sizes, seed=3), UrlFeaturiser(width=WIDTH), options)


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_logits_are_those_of_the_definition(sizes: CharacterConvolutions) -> None:
    features = featurise(TEXTS)
    logits = engine_of(sizes).logits(features)
    expected = defined_logits(sizes, random_tensors(sizes, seed=3), features)
    assert np.allclose(logits, expected, rtol=1e-5, atol=1e-4)


def test_narrow_numbers_are_off_by_hundredths_of_a_logit() -> None:
    features = featurise(TEXTS)
    logits = engine_of(SMALL, EngineOptions(precision="bfloat16")).logits(features)
    expected = defined_logits(SMALL, random_tensors(SMALL, seed=3), features)
    assert 0 < np.abs(logits - expected).max() < 0.05 * np.abs(expected).max()


def test_after_warming_threads_may_share_it_and_nothing_is_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = engine_of(GRAMS)
    engine.warm(300)
    texts = [(f"example.com/{number}/" * 30)[: number % 140] for number in range(300)]
    batches = [featurise(texts[:rows]) for rows in (1, 15, 16, 17, 40, 100, 299, 300)]
    expected = [engine.logits(batch) for batch in batches]

    def traced(self: object, codes: object) -> Any:
        raise AssertionError("compiles")

    monkeypatch.setattr(TextMask, "call", traced)
    with ThreadPoolExecutor(4) as pool:
        for logits, alone in zip(pool.map(engine.logits, batches * 5), expected * 5, strict=True):
            assert np.allclose(logits, alone, rtol=0, atol=1e-5)
