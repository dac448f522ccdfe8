from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.characters.architecture import CharacterConvolutions
from models.characters.dense import DenseLayers
from models.characters.explainer import CharacterExplainer
from models.characters.sides import octets_of, pack
from models.characters.sums import PooledSums
from models.engines.tables import TablesEngine
from models.url.normaliser import ALPHABET, HOST, PATH, code_of
from tests.models.networks import (
    GRAMS,
    SIZES,
    SMALL,
    TEXTS,
    Tensors,
    defined_buckets,
    featurise,
    random_tensors,
)
from tests.models.url.urls import ANY_TEXT, URL_LIKE, URLS

EVERY_SIZE = pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)


@EVERY_SIZE
@given(
    texts=st.lists(st.one_of(ANY_TEXT, URL_LIKE), min_size=1, max_size=6),
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
def test_parts_are_those_of_the_loops_that_define_them(sizes: CharacterConvolutions) -> None:
    tensors, features = random_tensors(sizes), featurise(TEXTS)
    sums = PooledSums(sizes, tensors)
    gradient, _ = DenseLayers(sizes, tensors).gradient(sums.pooled(features))
    parts = CharacterExplainer(sizes, tensors).attribute(features).parts
    assert np.allclose(parts, sums.parts(features, gradient), rtol=1e-4, atol=1e-5)


@EVERY_SIZE
def test_sides_that_are_handed_on_explain_as_those_that_are_computed(
    sizes: CharacterConvolutions,
) -> None:
    tensors, features = random_tensors(sizes), featurise(TEXTS)
    layers = DenseLayers(sizes, tensors).hidden(PooledSums(sizes, tensors).pooled(features))
    sides = np.zeros((len(TEXTS), octets_of(sizes.dense)), np.uint8)
    for number, hidden in enumerate(layers):
        pack(hidden, sizes.dense, number, sides)
    explainer = CharacterExplainer(sizes, tensors)
    told, computed = explainer.attribute(features, sides), explainer.attribute(features)
    assert np.allclose(told.parts, computed.parts, rtol=0, atol=1e-5)
    assert np.allclose(told.remainder, computed.remainder, rtol=0, atol=1e-5)


@EVERY_SIZE
def test_what_was_not_seen_has_no_part(sizes: CharacterConvolutions) -> None:
    features = featurise(TEXTS)
    parts = CharacterExplainer(sizes, random_tensors(sizes)).attribute(features).parts
    assert parts.shape == features.codes.shape
    unseen = np.arange(parts.shape[1]) >= features.seen[:, None]
    assert not parts[unseen].any()


def test_a_text_is_explained_the_same_in_any_batch() -> None:
    explainer = CharacterExplainer(SMALL, random_tensors(SMALL))
    texts = [f"https://example.com/{number}" * (number % 7) for number in range(70)]
    together = explainer.attribute(featurise(texts))
    for number in (0, 31, 32, 69):
        alone = explainer.attribute(featurise([texts[number]]))
        assert np.allclose(alone.parts[0], together.parts[number], rtol=0, atol=1e-5)
        assert alone.remainder[0] == pytest.approx(together.remainder[number], abs=1e-5)


def test_an_empty_text_is_all_remainder() -> None:
    tensors = random_tensors(SMALL)
    features = featurise([""])
    attribution = CharacterExplainer(SMALL, tensors).attribute(features)
    logit = TablesEngine(SMALL, tensors).logits(features)[0]
    assert attribution.remainder[0] == pytest.approx(logit, abs=1e-6)


def letter_counter(letter: str, width: int = 1) -> tuple[CharacterConvolutions, Tensors]:
    """One filter that knows one letter of hosts alone, and a logit that is its sum less a half."""
    sizes = CharacterConvolutions(
        alphabet=ALPHABET,
        embedding=1,
        filter_widths=(width,),
        filters=1,
        dense=(),
        pooling_scale=1.0,
    )
    embeddings = np.zeros((ALPHABET, 1), np.float32)
    embeddings[code_of(letter, HOST)] = 3
    return sizes, {
        "embedding/embeddings": embeddings,
        f"convolution_{width}/kernel": np.ones((width, 1, 1), np.float32),
        f"convolution_{width}/bias": np.zeros(1, np.float32),
        "logit/kernel": np.ones((1, 1), np.float32),
        "logit/bias": np.full(1, -0.5, np.float32),
    }


def test_the_part_of_a_filter_of_one_character_is_that_character_s() -> None:
    sizes, tensors = letter_counter("x")
    attribution = CharacterExplainer(sizes, tensors).attribute(featurise(["axbx"], 6))
    assert attribution.parts[0].tolist() == [0, 3, 0, 3, 0, 0]
    assert attribution.remainder[0] == -0.5


def test_the_part_of_a_wider_filter_is_shared_among_the_characters_that_it_saw() -> None:
    # The filter sees the x from the x's own place, and from the one before it.
    sizes, tensors = letter_counter("x", width=2)
    attribution = CharacterExplainer(sizes, tensors).attribute(featurise(["abxb"], 6))
    assert attribution.parts[0].tolist() == [0, 1.5, 3, 1.5, 0, 0]
    # At the end of the text there is no second character to share with.
    attribution = CharacterExplainer(sizes, tensors).attribute(featurise(["abx"], 6))
    assert attribution.parts[0].tolist() == [0, 1.5, 4.5, 0, 0, 0]


def gram_knower(text: str) -> tuple[CharacterConvolutions, Tensors]:
    """A network that knows the 3-grams of one text within a path, and nothing else."""
    sizes = CharacterConvolutions(
        alphabet=ALPHABET,
        embedding=1,
        filter_widths=(1,),
        filters=1,
        gram_orders=(3,),
        gram_buckets=1 << 16,
        gram_units=1,
        dense=(),
    )
    tensors = {name: np.zeros(shape, np.float32) for name, shape in sizes.shapes().items()}
    codes = [code_of(character, PATH) for character in text]
    # The first and the last hold markers.
    tensors["grams/vectors"][defined_buckets(codes, 3, 1 << 16)[1:-1]] = 1
    tensors["logit/kernel"][1] = 10
    return sizes, tensors


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("a.example/login", "login"),
        ("HTTPS://WWW.Example.com/%4cogin", "%4cogin"),
        ("HTTPS://WWW.Example.com:443/a/LOGIN/b#login", "LOGIN"),
        ("http://www.a.example:80\\x\\lo%67in/", "lo%67in"),
        (" ftp://login@www.a.example/", "login"),
        ("a.example/b/logi%6e/c", "logi%6e"),
        ("a.example/%6c%6f%67%69%6e/c", "%6c%6f%67%69%6e"),
    ],
    ids=str,
)
def test_spans_are_of_the_text_as_it_was_given(url: str, shown: str) -> None:
    ((span,),) = CharacterExplainer(*gram_knower("login")).explain(featurise([url]), 5)
    assert url[span.start : span.end] == shown
    assert span.weight > 0
    assert (span.kind, span.text) == ("characters", None)


@given(texts=st.lists(st.one_of(URLS, URL_LIKE), min_size=1, max_size=5), width=st.integers(1, 60))
@settings(deadline=None, max_examples=50)
def test_spans_lie_in_what_was_read_of_the_text(texts: list[str], width: int) -> None:
    features = featurise(texts, width)
    explained = CharacterExplainer(GRAMS, random_tensors(GRAMS)).explain(features, 4)
    assert len(explained) == len(texts)
    for row, spans in enumerate(explained):
        assert len(spans) <= 4
        weights = [span.weight for span in spans]
        assert weights == sorted(weights, reverse=True)
        assert all(0 <= span.start < span.end <= features.read[row] for span in spans)


def test_a_silent_text_has_no_spans() -> None:
    features = featurise(["http://192.0.2.1/"])
    assert CharacterExplainer(SMALL, random_tensors(SMALL)).explain(features, 5)[0] == []
