from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.further import (
    MAX_DEPTH,
    MAX_EVENT_BYTES,
    MAX_FIELD_BYTES,
    MAX_NAME_LENGTH,
    MAX_OMITTED_NAMES,
    carried,
)


def nested(levels: int, kind: type[list[Any] | dict[str, Any]]) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value] if kind is list else {"n": value}
    return value


VALUES: st.SearchStrategy[Any] = (
    st.integers(-(2**63), 2**64 - 1)
    | st.builds(
        lambda text, times: text * times, st.text(max_size=3), st.sampled_from([1, 100, 341, 600])
    )
    | st.builds(nested, st.sampled_from([1, 31, 32, 33, 300, 1000]), st.sampled_from([list, dict]))
    | st.builds(lambda n: [{}] * n, st.integers(0, 50))
)
NAMES = st.text(max_size=6) | st.builds(lambda text: text * 300, st.text(max_size=6))


@given(st.dictionaries(NAMES, VALUES, max_size=40))
def test_small_fields_are_carried_in_order_and_the_others_named(fields: dict[str, Any]) -> None:
    given_names = list(fields)
    kept, omitted = carried(dict(fields))
    kept = kept or {}
    assert list(kept) == [name for name in given_names if name in kept]
    assert all(kept[name] is fields[name] for name in kept)
    assert len(orjson.dumps(kept)) <= MAX_EVENT_BYTES
    assert all(
        len(orjson.dumps({name: value})) - 2 <= MAX_FIELD_BYTES for name, value in kept.items()
    )
    left_out = [name[:MAX_NAME_LENGTH] for name in given_names if name not in kept]
    if len(left_out) <= MAX_OMITTED_NAMES:
        assert list(omitted) == left_out
    else:
        assert len(omitted) == MAX_OMITTED_NAMES
        assert list(omitted[:-1]) == left_out[: MAX_OMITTED_NAMES - 1]
        assert omitted[-1] == f"… and {len(left_out) - MAX_OMITTED_NAMES + 1} more"


@pytest.mark.parametrize("kind", [list, dict], ids=["arrays", "objects"])
def test_depth_is_bounded(kind: type[list[Any] | dict[str, Any]]) -> None:
    within = {"n": nested(MAX_DEPTH, kind), "brackets": "[" * 40}
    assert carried(dict(within)) == (within, ())
    assert carried({"n": nested(MAX_DEPTH + 1, kind), "m": 1}) == ({"m": 1}, ("n",))


def test_brackets_in_strings_are_no_depth() -> None:
    fields = {"n": "[{" * 200}
    assert carried(dict(fields)) == (fields, ())


def test_size_of_a_field_counts_its_name_and_compact_json() -> None:
    room = MAX_FIELD_BYTES - len('"name":""')
    fits = {"name": "x" * room}
    assert carried(dict(fits)) == (fits, ())
    assert carried({"name": "x" * (room + 1)}) == (None, ("name",))


def test_fields_are_carried_until_the_event_is_full() -> None:
    fields = {f"f{number}": "x" * 1000 for number in range(10)} | {"small": 1}
    kept, omitted = carried(fields)
    assert kept is not None
    assert list(kept) == [*(f"f{number}" for number in range(8)), "small"]
    assert omitted == ("f8", "f9")


def test_no_further_fields_are_nothing() -> None:
    assert carried({}) == (None, ())
