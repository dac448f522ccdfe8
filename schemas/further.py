"""Which further fields of a telemetry event travel on in its verdict, under ``event``.

A field is small when ``"name":value`` is at most 1,024 bytes of compact JSON and its value
nests at most 32 levels deep. Small fields are taken in the order of the event for as long as the
object they make stays within 8,192 bytes. The others are left out and named.
"""

from __future__ import annotations

from typing import Any

import orjson

MAX_FIELD_BYTES = 1024
MAX_EVENT_BYTES = 8192
MAX_DEPTH = 32
MAX_OMITTED_NAMES = 16
MAX_NAME_LENGTH = 128

# What one field adds to an object beside itself: a comma, and once the braces.
_COMMA = 1
_BRACES = 2


def carried(fields: dict[str, Any]) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Divide the further fields of one event, as orjson parsed them.

    Returns:
        The fields that are carried (None when there are none), and the names of those left out:
        at most 16, each cut after 128 characters; when there are more, the sixteenth says how
        many (``… and 5 more``).

    >>> carried({"user": "ann", "page": "x" * 2000})
    ({'user': 'ann'}, ('page',))
    """
    if not fields:
        return None, ()
    try:
        text = orjson.dumps(fields)
    except orjson.JSONEncodeError:  # deeper than orjson writes
        return _divided(fields)
    # Brackets inside strings are counted too: too many only means to look closer.
    if len(text) <= MAX_FIELD_BYTES and text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
        return fields, ()
    return _divided(fields)


def _divided(fields: dict[str, Any]) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    kept: dict[str, Any] = {}
    omitted: list[str] = []
    size = _BRACES
    for name, value in fields.items():
        if _nests_within(value, MAX_DEPTH):
            field_size = len(orjson.dumps({name: value})) - _BRACES
            grown = size + field_size + (_COMMA if kept else 0)
            if field_size <= MAX_FIELD_BYTES and grown <= MAX_EVENT_BYTES:
                kept[name] = value
                size = grown
                continue
        omitted.append(name)
    return kept or None, _bounded(omitted)


def _nests_within(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        return levels > 0 and all(_nests_within(child, levels - 1) for child in value.values())
    if isinstance(value, list):
        return levels > 0 and all(_nests_within(child, levels - 1) for child in value)
    return True


def _bounded(names: list[str]) -> tuple[str, ...]:
    if len(names) > MAX_OMITTED_NAMES:
        shown = names[: MAX_OMITTED_NAMES - 1]
        rest = f"… and {len(names) - len(shown)} more"
        return (*(name[:MAX_NAME_LENGTH] for name in shown), rest)
    return tuple(name[:MAX_NAME_LENGTH] for name in names)
