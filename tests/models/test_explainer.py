from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.characters.architecture import CharacterConvolutions
from models.characters.explainer import CHUNK, CharacterExplainer
from models.engines.tables import TablesEngine
from tests.models.networks import SIZES, SMALL, TEXTS, featurise, random_tensors

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=50)
EVERY_SIZE = pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)


@EVERY_SIZE
@given(
    texts=st.lists(ANY_TEXT, min_size=1, max_size=6),
    seed=st.integers(0, 1000),
    width=st.integers(1, 60),
)
@settings(deadline=None, max_examples=25)
def test_parts_and_remainder_sum_to_the_logit(
    sizes: CharacterConvolutions, texts: list[str], seed: int, width: int
) -> None:
    tensors = random_tensors(sizes, seed)
    features = featurise(texts, width)
    attribution = CharacterExplainer(sizes, tensors).attribute(features)
    summed = attribution.parts.sum(axis=1, dtype=np.float64) + attribution.remainder
    logits = TablesEngine(sizes, tensors).logits(features)
    assert np.allclose(summed, logits, rtol=0, atol=1e-4)
    assert attribution.exact


@EVERY_SIZE
def test_what_was_not_seen_has_no_part(sizes: CharacterConvolutions) -> None:
    features = featurise(TEXTS)
    parts = CharacterExplainer(sizes, random_tensors(sizes)).attribute(features).parts
    assert parts.shape == features.codes.shape
    unseen = np.arange(parts.shape[1]) >= features.seen[:, None]
    assert not parts[unseen].any()


def test_a_text_is_explained_the_same_in_any_batch() -> None:
    explainer = CharacterExplainer(SMALL, random_tensors(SMALL))
    texts = [f"https://example.com/{number}" * (number % 7) for number in range(2 * CHUNK + 5)]
    together = explainer.attribute(featurise(texts))
    for number in (0, CHUNK - 1, CHUNK, 2 * CHUNK + 4):
        alone = explainer.attribute(featurise([texts[number]]))
        assert np.allclose(alone.parts[0], together.parts[number], rtol=0, atol=1e-5)
        assert alone.remainder[0] == pytest.approx(together.remainder[number], abs=1e-5)


def test_an_empty_text_is_all_remainder() -> None:
    tensors = random_tensors(SMALL)
    features = featurise([""])
    attribution = CharacterExplainer(SMALL, tensors).attribute(features)
    logit = TablesEngine(SMALL, tensors).logits(features)[0]
    assert attribution.remainder[0] == pytest.approx(logit, abs=1e-6)


def test_the_part_of_a_filter_of_one_character_is_that_character_s() -> None:
    # One filter of width 1 that knows the letter x alone, and a logit that is its sum.
    sizes = CharacterConvolutions(
        embedding=1, filter_widths=(1,), filters=1, dense=(), pooling_scale=1.0
    )
    embeddings = np.zeros((128, 1), np.float32)
    embeddings[ord("x")] = 3
    tensors = {
        "embedding/embeddings": embeddings,
        "convolution_1/kernel": np.ones((1, 1, 1), np.float32),
        "convolution_1/bias": np.zeros(1, np.float32),
        "logit/kernel": np.ones((1, 1), np.float32),
        "logit/bias": np.full(1, -0.5, np.float32),
    }
    attribution = CharacterExplainer(sizes, tensors).attribute(featurise(["axbx"], 6))
    assert attribution.parts[0].tolist() == [0, 3, 0, 3, 0, 0]
    assert attribution.remainder[0] == -0.5
