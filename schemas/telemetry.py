"""Telemetry events: a batch of record values in, columns out.

The contract is `telemetry_url.schema.json`. An event is a JSON object with the subject to be
scored (``url``), and optionally

- ``id``, the producer's own: a string of up to 1,024 characters or an integer from -2^63 + 1 to
  2^64 - 1; anything else is refused, for consumers join and deduplicate by it. ``null`` counts
  as not given;
- ``observed_at``, RFC 3339 (see `schemas.timestamps.is_rfc3339`). Anything else is no reason to
  refuse: it is carried as a further field, as it is. ``null`` counts as not given;
- any further fields, carried when they are small (`schemas.further`).

JSON is parsed by orjson: UTF-8 without a byte order mark, the last of duplicate keys wins, and
integers beyond 64 bits become doubles. Lengths count code points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np
import orjson
from numpy.typing import NDArray

from schemas.causes import Cause, Refusals, RefusedError, Rejects
from schemas.further import carried
from schemas.timestamps import is_rfc3339

MAX_RECORD_BYTES = 1_048_576
MAX_ID_LENGTH = 1024
# orjson reads integers from -2^63 to 2^64 - 1 exactly and larger ones as doubles. The double
# nearest to -2^63 - 1 is -2^63, so that number is left out: what is taken is what was written.
MIN_ID = -(2**63) + 1
MAX_ID = 2**64 - 1

_MISSING = object()
_JSON_TYPES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The field of an event that is scored.

    Attributes:
        field: Its name.
        max_code_points: Its greatest length; the least is 1.
    """

    field: str
    max_code_points: int

    def __post_init__(self) -> None:
        if self.field in {"id", "observed_at"}:
            raise ValueError(f"Subject field {self.field!r} has another meaning in the contract")
        if self.max_code_points < 1:
            raise ValueError(f"Subject max_code_points is {self.max_code_points}; at least 1")


URL = Subject(field="url", max_code_points=65_536)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Events:
    """m accepted events of a batch of n records, as parallel columns in the order of the batch.

    Attributes:
        rows: int64[m], indexes into the batch.
        texts: m subjects, exactly as they came.
        event_ids: m ids of the producer's own, None where there was none.
        observed_at: m times (RFC 3339), None where there was none.
        further: m objects of small further fields, None where there were none.
        omitted: m tuples of names of further fields that were left out (`schemas.further`).
        rejects: the other n - m rows.
    """

    rows: NDArray[np.int64]
    texts: list[str]
    event_ids: list[str | int | None]
    observed_at: list[str | None]
    further: list[dict[str, Any] | None]
    omitted: list[tuple[str, ...]]
    rejects: Rejects

    @classmethod
    def of_texts(cls, texts: list[str], rows: NDArray[np.int64], rejects: Rejects) -> Events:
        """Bare texts, with nothing around them."""
        return cls(
            rows=rows,
            texts=texts,
            event_ids=[None] * len(texts),
            observed_at=[None] * len(texts),
            further=[None] * len(texts),
            omitted=[()] * len(texts),
            rejects=rejects,
        )

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, some: NDArray[np.integer]) -> Events:
        """Some of the accepted events, by index among them."""
        kept = some.tolist()
        return Events(
            rows=self.rows[some],
            texts=[self.texts[i] for i in kept],
            event_ids=[self.event_ids[i] for i in kept],
            observed_at=[self.observed_at[i] for i in kept],
            further=[self.further[i] for i in kept],
            omitted=[self.omitted[i] for i in kept],
            rejects=self.rejects,
        )


Decoder = Callable[[Sequence[bytes | None]], Events]
"""Any shape of telemetry is one of these."""


def decode(
    values: Sequence[bytes | None], subject: Subject, *, max_bytes: int = MAX_RECORD_BYTES
) -> Events:
    """Decode n record values; a bad one costs itself alone and never raises.

    Args:
        values: n values as they are on the topic; None is a tombstone.
        subject: The field to be scored.
        max_bytes: Greatest length of a value; a larger one is refused unread.
    """
    rows: list[int] = []
    texts: list[str] = []
    event_ids: list[str | int | None] = []
    observed_at: list[str | None] = []
    further: list[dict[str, Any] | None] = []
    omitted: list[tuple[str, ...]] = []
    refusals = Refusals()
    for row, value in enumerate(values):
        try:
            event = _parsed(value, max_bytes)
            text = _text(event, subject)
            event_id = _event_id(event)
        except RefusedError as refused:
            refusals.add(row, refused)
            continue
        rows.append(row)
        texts.append(text)
        event_ids.append(event_id)
        observed_at.append(_observed_at(event))
        fields, names = carried(event)
        further.append(fields)
        omitted.append(names)
    return Events(
        rows=np.array(rows, np.int64),
        texts=texts,
        event_ids=event_ids,
        observed_at=observed_at,
        further=further,
        omitted=omitted,
        rejects=refusals.columns(),
    )


def _parsed(value: bytes | None, max_bytes: int) -> dict[str, Any]:
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
        _refuse_unreadable(value, error)
    if type(event) is not dict:
        raise RefusedError(
            Cause.NOT_AN_OBJECT, f"The value is {_JSON_TYPES[type(event)]}, not an object"
        )
    return event


def _refuse_unreadable(value: bytes, error: orjson.JSONDecodeError) -> NoReturn:
    try:
        value.decode()
    except UnicodeDecodeError as not_utf8:
        raise _not_utf8(not_utf8) from None
    raise RefusedError(Cause.NOT_JSON, f"Not JSON at character {error.pos}: {error.msg}") from None


def _not_utf8(error: UnicodeDecodeError) -> RefusedError:
    return RefusedError(Cause.INVALID_UTF8, f"Not UTF-8 at byte {error.start}: {error.reason}")


def _text(event: dict[str, Any], subject: Subject) -> str:
    """Take the subject out of the event."""
    text = event.pop(subject.field, _MISSING)
    if type(text) is not str:
        if text is _MISSING:
            raise RefusedError(Cause.SUBJECT_MISSING, f"`{subject.field}` is missing")
        raise RefusedError(
            Cause.NOT_A_STRING, f"`{subject.field}` is {_JSON_TYPES[type(text)]}, not a string"
        )
    return _checked(text, subject)


def _checked(text: str, subject: Subject) -> str:
    """Hold a subject's length against its limits."""
    if not text:
        raise RefusedError(Cause.EMPTY, f"`{subject.field}` is empty")
    if len(text) > subject.max_code_points:
        raise RefusedError(
            Cause.TOO_LONG,
            f"`{subject.field}` has {len(text)} characters; "
            f"at most {subject.max_code_points} are taken",
        )
    return text


def _event_id(event: dict[str, Any]) -> str | int | None:
    """Take ``id`` out of the event."""
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
        Cause.BAD_ID, f"`id` is {_JSON_TYPES[type(value)]}, not a string or an integer"
    )


def _observed_at(event: dict[str, Any]) -> str | None:
    """Take ``observed_at`` out of the event, or leave it there if it is no time."""
    value = event.get("observed_at", _MISSING)
    if value is _MISSING:
        return None
    if value is None or (type(value) is str and is_rfc3339(value)):
        del event["observed_at"]
        return value
    return None


def decode_lines(
    values: Sequence[bytes], subject: Subject, *, max_bytes: int = MAX_RECORD_BYTES
) -> Events:
    """Take n lines of plain text as n subjects, by the same limits as `decode`."""
    rows: list[int] = []
    texts: list[str] = []
    refusals = Refusals()
    for row, value in enumerate(values):
        try:
            text = _line(value, subject, max_bytes)
        except RefusedError as refused:
            refusals.add(row, refused)
            continue
        rows.append(row)
        texts.append(text)
    return Events.of_texts(texts, np.array(rows, np.int64), refusals.columns())


def _line(value: bytes, subject: Subject, max_bytes: int) -> str:
    if len(value) > max_bytes:
        raise RefusedError(
            Cause.OVERSIZED, f"The line has {len(value)} bytes; at most {max_bytes} are taken"
        )
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(error) from None
    return _checked(text, subject)


SUBJECTS: Mapping[str, Subject] = MappingProxyType({"url": URL})
"""What each detector's events are about, by the detector's name."""

DECODERS: Mapping[str, Decoder] = MappingProxyType({"url": partial(decode, subject=URL)})
"""Shapes of telemetry by name; a further shape is a further row."""
