from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.json_columns import anything, few, numbers, objects, texts

# What looks like a seam between two strings, and what JSON escapes.
AWKWARD = st.text(st.sampled_from(['"', ",", "\\", "\n", "\0", "%", "b", "é", "😀"]), max_size=6)
TEXTS = AWKWARD | st.text(max_size=6)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.none() | st.booleans() | TEXTS | NUMBERS | st.just(()) | st.lists(TEXTS, max_size=2)


def written(column: bytes | list[bytes], rows: int) -> list[bytes]:
    return [column] * rows if isinstance(column, bytes) else column


@given(st.lists(TEXTS))
def test_texts_are_written_as_each_alone(values: list[str]) -> None:
    assert texts(values) == [orjson.dumps(value) for value in values]


@given(st.lists(NUMBERS))
def test_numbers_are_written_as_each_alone(values: list[float]) -> None:
    assert numbers(values) == [orjson.dumps(value) for value in values]


@given(st.lists(st.sampled_from(["a", "b", None])) | st.lists(st.booleans()))
def test_few_different_values_are_written_as_each_alone(values: list[str | bool | None]) -> None:
    assert written(few(values), len(values)) == [orjson.dumps(value) for value in values]


@given(st.lists(VALUES) | st.lists(NUMBERS) | st.lists(TEXTS))
def test_anything_is_written_as_each_alone(values: list[Any]) -> None:
    assert written(anything(values), len(values)) == [orjson.dumps(value) for value in values]


@given(st.lists(st.tuples(TEXTS, NUMBERS), min_size=1), TEXTS)
def test_objects_are_written_as_dictionaries_are(rows: list[tuple[str, float]], same: str) -> None:
    found = objects(
        {
            "%b": texts([text for text, _ in rows]),
            "in": {"same": orjson.dumps(same), 'n"': numbers([number for _, number in rows])},
        }
    )
    assert found == [
        orjson.dumps({"%b": text, "in": {"same": same, 'n"': number}}) for text, number in rows
    ]


def test_lone_surrogates_become_the_replacement_character() -> None:
    assert texts(["a", "\ud800b"]) == [b'"a"', '"\ufffdb"'.encode()]


def test_columns_of_different_lengths_are_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        objects({"a": numbers([1, 2]), "b": numbers([1])})
