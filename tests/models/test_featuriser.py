from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.url.featuriser import (
    ALPHABET,
    CONTROL,
    FIRST_BLOCK,
    PADDING,
    CharacterFeaturiser,
    encode,
)

# Any code point, lone surrogates too.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
WIDTHS = st.integers(1, 50)


def code_of(character: str) -> int:
    """The table of the module's docstring, a character at a time."""
    point = ord(character)
    if point < 32 or point == 127:
        return CONTROL
    return point if point < 127 else FIRST_BLOCK + (point >> 7) % 30


@given(ANY_TEXT)
@settings(deadline=None)
def test_every_character_has_the_code_of_the_table(text: str) -> None:
    assert encode(text).tolist() == [code_of(character) for character in text]


@given(st.lists(ANY_TEXT, max_size=8), WIDTHS)
@settings(deadline=None)
def test_a_row_is_the_codes_of_the_first_characters_and_then_padding(
    texts: list[str], width: int
) -> None:
    features = CharacterFeaturiser(width=width)(texts)
    assert features.codes.shape == (len(texts), width)
    assert features.codes.dtype == np.uint8
    assert features.lengths.tolist() == [len(text) for text in texts]
    assert features.seen.tolist() == [min(len(text), width) for text in texts]
    for row, text in zip(features.codes, texts, strict=True):
        seen = encode(text[:width]).tolist()
        assert row.tolist() == seen + [PADDING] * (width - len(seen))


@given(ANY_TEXT)
@settings(deadline=None)
def test_no_character_is_padding_or_beyond_the_alphabet(text: str) -> None:
    codes = encode(text)
    assert not np.any(codes == PADDING)
    assert not np.any(codes >= ALPHABET)


@given(st.lists(ANY_TEXT, min_size=1, max_size=8), WIDTHS)
@settings(deadline=None)
def test_a_text_has_the_same_features_in_any_batch(texts: list[str], width: int) -> None:
    featuriser = CharacterFeaturiser(width=width)
    together = featuriser(texts)
    for number, text in enumerate(texts):
        alone = featuriser([text])
        assert np.array_equal(alone.codes[0], together.codes[number])
        assert alone.seen[0] == together.seen[number]
        assert alone.lengths[0] == together.lengths[number]


@given(ANY_TEXT, ANY_TEXT, WIDTHS)
@settings(deadline=None)
def test_only_the_first_characters_count(text: str, more: str, width: int) -> None:
    featuriser = CharacterFeaturiser(width=width)
    kept = text[:width].ljust(width, "x")
    features = featuriser([kept + more, kept])
    assert np.array_equal(features.codes[0], features.codes[1])
    assert features.seen[0] == features.seen[1] == width
    assert features.lengths[0] == width + len(more)


@pytest.mark.parametrize(
    ("character", "code"),
    [("A", 65), ("a", 97), (" ", 32), ("~", 126), ("\x00", 1), ("\n", 1), ("\x7f", 1)],
    ids=["upper case", "lower case", "space", "tilde", "nul", "newline", "delete"],
)
def test_ascii_is_its_own_code_and_keeps_its_case(character: str, code: int) -> None:
    assert encode(character).tolist() == [code]


def test_a_script_shares_a_code_that_no_ascii_character_has() -> None:
    cyrillic = encode("\u0430\u0431\u0432\u0433")
    assert len(set(cyrillic.tolist())) == 1
    assert FIRST_BLOCK <= cyrillic[0] < ord(" ")


def test_no_texts_give_no_rows() -> None:
    features = CharacterFeaturiser(width=5)([])
    assert len(features) == 0
    assert features.codes.shape == (0, 5)
