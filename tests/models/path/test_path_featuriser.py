from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.characters.codes import PADDING
from models.errors import ArtefactError
from models.path.alphabet import ALPHABET
from models.path.featuriser import PathFeaturiser
from tests.models.path.paths import ANY_TEXT, PATH_LIKE
from tests.models.path.reference import code_of, reference

GOLDEN = json.loads((Path(__file__).parent / "golden_paths.json").read_text("utf-8"))
GOLDEN_WIDTH = 96
# Wider than the normal form of any text here.
WHOLE = 2_000
TEXTS = st.one_of(ANY_TEXT, PATH_LIKE)


def form_of(text: str, width: int = WHOLE) -> str:
    """The normal form as text, each code a character."""
    features = PathFeaturiser(width=width)([text])
    return bytes(features.codes[0, : features.seen[0]]).decode("latin-1")


@given(TEXTS)
@example("c:\\users\\a\\applic~1" * 9)
@example("\\\\a\\users\\b\\locals~1\\applic~1\\users\\all users\\applic~1")
@example("hku\\s-1-5-21-1-2_classes")
@example("s-1-5-18s-1-5-21-1-2-3-4")
@settings(deadline=None, max_examples=200)
def test_codes_and_origins_are_those_of_the_definition(text: str) -> None:
    features = PathFeaturiser(width=WHOLE)([text])
    expected = reference(text)
    seen = features.seen[0]
    assert features.source is not None
    origins, _ = features.source.places()
    assert form_of(text) == "".join(code.character for code in expected)
    assert origins[0, :seen].tolist() == [code.origin for code in expected]


@pytest.mark.parametrize("golden", GOLDEN, ids=[golden["name"] for golden in GOLDEN])
def test_normal_forms_are_the_recorded_ones(golden: dict[str, object]) -> None:
    text = str(golden["text"])
    features = PathFeaturiser(width=GOLDEN_WIDTH)([text])
    assert features.source is not None
    origins, _ = features.source.places()
    assert form_of(text, GOLDEN_WIDTH) == golden["form"]
    assert origins[0, : features.seen[0]].tolist() == golden["origins"]


def test_every_character_has_the_code_of_the_alphabet() -> None:
    # None of these is part of anything longer: a space stands on either side.
    points = [
        *range(0x3000),
        *range(0xA000, 0xAC00),
        *range(0xD700, 0xE000),
        *range(0xFE00, 0x10500),
    ]
    characters = [chr(point) for point in points if not chr(point).isdigit()]
    features = PathFeaturiser(width=3)([f" {character} " for character in characters])
    expected = [ord(code_of(character)) for character in characters]
    assert features.codes[:, 1].tolist() == expected


@given(st.lists(TEXTS, max_size=6), st.integers(1, 60))
@settings(deadline=None)
def test_a_row_is_the_beginning_and_the_end_of_the_normal_form(
    texts: list[str], width: int
) -> None:
    features = PathFeaturiser(width=width)(texts)
    assert features.source is not None
    origins, _ = features.source.places()
    assert features.codes.shape == origins.shape == (len(texts), width)
    assert features.codes.dtype == np.uint8
    assert origins.dtype == np.int32
    assert features.lengths.tolist() == [len(text) for text in texts]
    for row, text in enumerate(texts):
        whole = reference(text)
        kept, left_out = whole, 0
        if len(whole) > width:
            head, tail = width // 3, width - 1 - width // 3
            last = whole[len(whole) - tail :]
            kept = [*whole[:head], whole[head]._replace(character="X"), *last]
            left_out = (last[0].origin if last else len(text)) - whole[head].origin
        codes = [ord(code.character) for code in kept]
        padding = width - len(kept)
        assert features.seen[row] == len(kept)
        assert features.codes[row].tolist() == codes + [PADDING] * padding
        assert origins[row, : len(kept)].tolist() == [code.origin for code in kept]
        assert features.read[row] == len(text) - left_out


@given(TEXTS)
@settings(deadline=None)
def test_codes_are_in_the_alphabet_and_stand_for_characters_in_their_order(text: str) -> None:
    features = PathFeaturiser(width=WHOLE)([text])
    seen = features.seen[0]
    assert features.source is not None
    origins, _ = features.source.places()
    codes, origins = features.codes[0, :seen], origins[0, :seen]
    assert not np.any(codes == PADDING)
    assert not np.any(codes >= ALPHABET)
    assert np.all(np.diff(origins) >= 0)
    assert np.all((origins >= 0) & (origins < max(1, len(text))))


@given(st.lists(TEXTS, min_size=1, max_size=6))
@settings(deadline=None)
def test_a_text_has_the_same_features_in_any_batch(texts: list[str]) -> None:
    featuriser = PathFeaturiser(width=40)
    together = featuriser(texts)
    for row, text in enumerate(texts):
        alone = featuriser([text])
        for column in ("codes", "seen", "lengths", "read"):
            assert np.array_equal(getattr(alone, column)[0], getattr(together, column)[row])
        for places, own in zip(featuriser.locate(texts), featuriser.locate([text]), strict=True):
            assert np.array_equal(own[0], places[row])


@pytest.mark.parametrize(
    "text",
    ["", "\\", "\\" * 65_536, "/" * 65_536, "\\/" * 1_000],
    ids=["empty", "a backslash", "64 Ki backslashes", "64 Ki slashes", "both kinds of slash"],
)
def test_a_text_of_nothing_but_slashes_has_no_codes(text: str) -> None:
    features = PathFeaturiser(width=32)([text])
    assert features.seen.tolist() == [0]
    assert features.lengths.tolist() == features.read.tolist() == [len(text)]


@pytest.mark.parametrize(
    "unit",
    ["a", "0", "{", "s-1-5-21-", "a\\", "c:\\users\\x\\applic~1\\", "\ud800", "\u202e", "\0"],
    ids=[
        "letters",
        "digits",
        "braces",
        "SIDs",
        "folders",
        "junctions",
        "surrogates",
        "marks",
        "NUL",
    ],
)
def test_the_longest_texts_keep_their_end(unit: str) -> None:
    end = "\\folder\\end.exe"
    text = unit * ((65_536 - len(end)) // len(unit)) + end
    features = PathFeaturiser(width=32)([text])
    form = bytes(features.codes[0, : features.seen[0]])
    assert form.endswith(b"\\folder\\end.exe")
    assert features.lengths.tolist() == [len(text)]
    assert (features.read[0] < len(text)) == (b"X" in form)


def test_no_texts_give_no_rows() -> None:
    features = PathFeaturiser(width=5)([])
    assert len(features) == 0
    assert features.codes.shape == (0, 5)


def test_a_manifest_gives_the_same_featuriser() -> None:
    featuriser = PathFeaturiser(width=77)
    assert PathFeaturiser.from_parameters(featuriser.parameters) == featuriser


@pytest.mark.parametrize(
    "change",
    [{"kind": "url-characters"}, {"alphabet": 129}, {"normal_form": 0}, {"width": 0}, {"more": 1}],
    ids=["kind", "alphabet", "normal form", "width", "one more"],
)
def test_another_featurisers_manifest_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ArtefactError):
        PathFeaturiser.from_parameters({**PathFeaturiser(width=77).parameters, **change})
