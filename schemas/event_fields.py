"""What all telemetry events have in common: the JSON object, ``id`` and ``observed_at``."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import orjson

from schemas.causes import Cause, RefusedError
from schemas.timestamps import is_rfc3339

MAX_ID_LENGTH = 1024
# orjson reads integers from -2^63 to 2^64 - 1 exactly and larger ones as doubles. The double
# nearest to -2^63 - 1 is -2^63, so that number is left out: what is taken is what was written.
MIN_ID = -(2**63) + 1
MAX_ID = 2**64 - 1

MISSING: Any = object()
"""Stands for a field that is not there."""

JSON_TYPES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}
"""What details call a value of JSON, by its type in Python."""

_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


def parsed(value: bytes | None, max_bytes: int, mend: bool = False) -> dict[str, Any]:
    """The JSON object of an event.

    Args:
        value: A record's value.
        max_bytes: Its greatest length; a larger one is refused unread.
        mend: Whether escapes of lone surrogates become U+FFFD; otherwise they are no JSON.

    Raises:
        RefusedError: there is none.
    """
    if not value:
        if value is None:
            raise RefusedError(Cause.TOMBSTONE, "The record has no value")
        raise RefusedError(Cause.EMPTY_VALUE, "The value is empty")
    if len(value) > max_bytes:
        raise RefusedError(
            Cause.OVERSIZED, f"The value has {len(value)} bytes; at most {max_bytes} are taken"
        )
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        event = _mended(value) if mend else MISSING
        if event is MISSING:
            _refuse_unreadable(value, error)
    if type(event) is not dict:
        raise RefusedError(
            Cause.NOT_AN_OBJECT, f"The value is {JSON_TYPES[type(event)]}, not an object"
        )
    return event


def _mended(value: bytes) -> Any:
    """The event with U+FFFD for lone surrogates, as UTF-8 would have it (WHATWG Encoding)."""
    if _SURROGATE_ESCAPE.search(value) is None:
        return MISSING
    try:
        lenient = json.dumps(json.loads(value.decode()), ensure_ascii=False)
        whole = lenient.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return orjson.loads(whole)
    # Not UTF-8, not JSON either way (both are ValueErrors), or too deep.
    except (ValueError, RecursionError):
        return MISSING


def _refuse_unreadable(value: bytes, error: orjson.JSONDecodeError) -> NoReturn:
    try:
        value.decode()
    except UnicodeDecodeError as not_utf8:
        raise no_utf8(not_utf8) from None
    raise RefusedError(Cause.NOT_JSON, f"Not JSON at character {error.pos}: {error.msg}") from None


def no_utf8(error: UnicodeDecodeError) -> RefusedError:
    """The refusal of bytes that are no UTF-8."""
    return RefusedError(Cause.INVALID_UTF8, f"Not UTF-8 at byte {error.start}: {error.reason}")


def not_a_string(field: str, value: object) -> RefusedError:
    """The refusal of a subject that is of another type."""
    return RefusedError(Cause.NOT_A_STRING, f"`{field}` is {JSON_TYPES[type(value)]}, not a string")


def take_id(event: dict[str, Any]) -> str | int | None:
    """Take ``id`` out of the event.

    Raises:
        RefusedError: it is no id.
    """
    value = event.pop("id", None)
    if value is None:
        return None
    if type(value) is str:
        if len(value) > MAX_ID_LENGTH:
            raise RefusedError(
                Cause.BAD_ID,
                f"`id` has {len(value)} characters; at most {MAX_ID_LENGTH} are taken",
            )
        return value
    # To JSON Schema 1.0 is an integer too; it is carried as 1.
    if type(value) is int or (type(value) is float and value.is_integer()):
        if MIN_ID <= value <= MAX_ID:
            return int(value)
        raise RefusedError(Cause.BAD_ID, f"`id` is not within {MIN_ID} and {MAX_ID}")
    if type(value) is float:
        raise RefusedError(Cause.BAD_ID, "`id` is a fraction, not a string or an integer")
    raise RefusedError(
        Cause.BAD_ID, f"`id` is {JSON_TYPES[type(value)]}, not a string or an integer"
    )


def are_ids(values: list[Any]) -> bool:
    """Whether all of n values, None where there was none, are ids that are carried as they are.

    A fraction that is whole is an id too, but not as it is.
    """
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {str}:
        return all(value is None or len(value) <= MAX_ID_LENGTH for value in values)
    if kinds == {int}:
        return all(value is None or MIN_ID <= value <= MAX_ID for value in values)
    return not kinds


def take_observed_at(event: dict[str, Any]) -> str | None:
    """Take ``observed_at`` out of the event, or leave it there if it is no time."""
    value = event.get("observed_at", MISSING)
    if value is MISSING:
        return None
    if value is None or (type(value) is str and is_rfc3339(value)):
        del event["observed_at"]
        return value
    return None
