from __future__ import annotations

import json

import numpy as np
import pytest

from models.training.golden import golden_texts
from tests.models.networks import featurise

WIDTHS = pytest.mark.parametrize("width", [1, 48, 160])


@WIDTHS
def test_golden_texts_visit_every_kind_of_code(width: int) -> None:
    codes = featurise(golden_texts(width), max(width, 120)).codes
    assert {0, 1} <= set(np.unique(codes).tolist())
    assert np.any((codes > 1) & (codes < 32))
    assert np.any(codes == ord("A"))
    assert np.any(codes == ord("a"))


@WIDTHS
def test_golden_texts_are_short_long_full_and_cut(width: int) -> None:
    lengths = {len(text) for text in golden_texts(width)}
    assert {0, 1, width, width + 1, 48, 49, 96, 97} <= lengths
    assert max(lengths) > 3 * width


@WIDTHS
def test_golden_texts_survive_json(width: int) -> None:
    texts = golden_texts(width)
    assert json.loads(json.dumps(texts)) == texts
