from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from models.html.featuriser import PageFeaturiser
from models.html.golden import golden_pages
from models.html.tokens import PIECES
from models.path.featuriser import PathFeaturiser
from models.path.golden import golden_paths
from models.training.golden import golden_texts
from models.url.featuriser import UrlFeaturiser
from models.url.normaliser import ALPHABET, CLASSES, spelled
from tests.models.networks import featurise

WIDTHS = pytest.mark.parametrize("width", [1, 48, 160])
PARTS = {"host", "path", "query"}


def test_golden_urls_visit_every_kind_of_code() -> None:
    codes = np.unique(featurise(golden_texts(160), 160).codes).tolist()
    # Padding, then in each part letters, digits, marks, and codes that stand for many characters.
    assert codes[0] == 0
    kinds = {
        (part, "letter" if char.isalpha() else "digit" if char.isdigit() else bool(char))
        for char, part in map(spelled, codes[1:])
    }
    assert kinds >= {(part, kind) for part in PARTS for kind in ("letter", "digit", True)}
    assert kinds >= {(part, False) for part in ("host", "path", "query")}
    assert max(codes) > ALPHABET - CLASSES


@WIDTHS
def test_golden_urls_are_short_long_full_and_cut(width: int) -> None:
    lengths = {len(text) for text in golden_texts(width)}
    assert {0, 1, width, width + 1, 48, 49, 96, 97} <= lengths
    assert max(lengths) > 3 * width
    seen = UrlFeaturiser(width=width)(golden_texts(width)).seen
    assert {0, width} <= set(seen.tolist())


@WIDTHS
def test_golden_paths_are_short_full_and_cut_files_and_keys(width: int) -> None:
    features = PathFeaturiser(width=width)(golden_paths(width))
    assert {0, width} <= set(features.seen.tolist())
    assert np.any(features.read < features.lengths)
    starts = {path[:2].upper() for path in golden_paths(width)}
    assert {"C:", "HK", "\\\\", "%A"} <= starts


def test_golden_pages_are_empty_short_long_and_binary() -> None:
    pages = golden_pages(PageFeaturiser())
    tokens = PageFeaturiser()(pages).counts.sum(axis=(1, 2))
    assert {0, 1} <= set(tokens.tolist())
    assert np.any((tokens > 1) & (tokens < PIECES))
    assert tokens.max() > 10 * PIECES
    assert bytes(range(256)) in pages


@WIDTHS
@pytest.mark.parametrize("make", [golden_texts, golden_paths], ids=["urls", "paths"])
def test_golden_texts_survive_json(make: Callable[[int], list[str]], width: int) -> None:
    texts = make(width)
    assert json.loads(json.dumps(texts)) == texts
