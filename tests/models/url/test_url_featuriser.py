from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.characters.codes import WIDEST
from models.errors import ArtefactError
from models.url.featuriser import UrlFeaturiser, code_points
from tests.models.url.urls import ANY_TEXT, URL_LIKE

TEXTS = st.lists(st.one_of(ANY_TEXT, URL_LIKE), min_size=1, max_size=8)
WIDTHS = st.integers(1, 50)


@given(TEXTS, WIDTHS)
@settings(deadline=None)
def test_columns_have_their_shapes_and_a_row_is_codes_and_then_padding(
    texts: list[str], width: int
) -> None:
    features = UrlFeaturiser(width=width)(texts)
    assert len(features) == len(texts)
    assert features.codes.shape == (len(texts), width)
    assert features.codes.dtype == np.uint8
    assert features.seen.dtype == np.int32
    assert features.lengths.dtype == features.read.dtype == np.int64
    assert features.lengths.tolist() == [len(text) for text in texts]
    assert np.all(features.read <= features.lengths)
    is_text = np.arange(width) < features.seen[:, None]
    assert np.array_equal(features.codes > 0, is_text)


@given(TEXTS, WIDTHS)
@settings(deadline=None)
def test_a_code_stands_for_a_character_of_its_text_in_order(texts: list[str], width: int) -> None:
    features = UrlFeaturiser(width=width)(texts)
    assert features.source is not None
    origins, _ = features.source.places()
    for row, text in enumerate(texts):
        own = origins[row, : features.seen[row]]
        assert np.all(np.diff(own) > 0)
        assert np.all((own >= 0) & (own < len(text)))
        assert np.all(own < features.read[row])


@given(TEXTS, WIDTHS)
@settings(deadline=None)
def test_a_text_has_the_same_features_in_any_batch(texts: list[str], width: int) -> None:
    featuriser = UrlFeaturiser(width=width)
    together = featuriser(texts)
    for row, text in enumerate(texts):
        alone, chosen = featuriser([text]), together.rows(slice(row, row + 1))
        for column in ("codes", "seen", "lengths", "read", "source", "silent"):
            assert np.array_equal(getattr(alone, column), getattr(chosen, column)), column


def test_rows_can_be_chosen_by_number() -> None:
    features = UrlFeaturiser(width=9)(["a.example", "http://192.0.2.1", "c.example/d"])
    chosen = features.rows(np.array([2, 1, 2]))
    assert chosen.lengths.tolist() == [11, 16, 11]
    assert chosen.read.tolist() == [9, 16, 9]
    assert chosen.silent is not None
    assert chosen.silent.tolist() == [False, True, False]
    assert np.array_equal(chosen.codes[0], features.codes[2])


def test_no_texts_give_no_rows() -> None:
    features = UrlFeaturiser(width=5)([])
    assert len(features) == 0
    assert features.codes.shape == (0, 5)


@given(st.lists(ANY_TEXT, max_size=5))
def test_every_character_is_one_code_point(texts: list[str]) -> None:
    assert code_points(texts).tolist() == [ord(character) for text in texts for character in text]


@given(st.integers(1, WIDEST))
def test_parameters_make_the_same_featuriser(width: int) -> None:
    featuriser = UrlFeaturiser(width=width)
    assert UrlFeaturiser.from_parameters(featuriser.parameters) == featuriser


@pytest.mark.parametrize(
    "changed",
    [
        {"width": 0},
        {"width": WIDEST + 1},
        {"width": True},
        {"width": 1.5},
        {"width": "192"},
        {"kind": "characters"},
        {"alphabet": 128},
        {"normal_form": 2},
        {"more": 1},
    ],
    ids=str,
)
def test_parameters_of_another_featuriser_are_refused(changed: dict[str, object]) -> None:
    parameters = {**UrlFeaturiser(width=192).parameters, **changed}
    with pytest.raises(ArtefactError, match="featuriser"):
        UrlFeaturiser.from_parameters(parameters)
