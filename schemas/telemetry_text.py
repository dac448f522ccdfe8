"""Telemetry events with a text to be judged: a URL, a path.

The contracts are `telemetry_url.schema.json` and `telemetry_path.schema.json`. A text is taken as
it is: neither parsed nor normalised. Its length counts code points.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import orjson

from schemas.causes import NONE_REFUSED, Cause, Refusals, RefusedError
from schemas.event_fields import (
    JSON_TYPES,
    MISSING,
    are_ids,
    no_utf8,
    not_a_string,
    parsed,
    take_id,
    take_observed_at,
)
from schemas.events import Events
from schemas.further import carried
from schemas.limits import DEFAULT_LIMITS

KINDS = ("file", "registry")
"""What ``kind`` of a path may say."""


# Bytes of JSON that are parsed at one go: it may take thirty times as much to hold them parsed.
_MOST_TOGETHER = 4 * 1024 * 1024

_NOTHING: tuple[None, tuple[()]] = (None, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The field of an event that is judged.

    Attributes:
        field: Its name.
        max_code_points: Its greatest length; the least is 1.
        kind_of: Infers the kind of a subject whose event has no ``kind``. None: subjects are of
            one kind, and ``kind`` is a further field like any other.
        mend: Whether escapes of lone surrogates become U+FFFD; otherwise they are no JSON.
    """

    field: str
    max_code_points: int
    kind_of: Callable[[str], str] | None = None
    mend: bool = False

    def __post_init__(self) -> None:
        if self.field in {"id", "observed_at", "kind"}:
            raise ValueError(f"Subject field {self.field!r} has another meaning in the contract")
        if self.max_code_points < 1:
            raise ValueError(f"Subject max_code_points is {self.max_code_points}; at least 1")


URL = Subject(field="url", max_code_points=65_536)


def decode(
    values: Sequence[bytes | None],
    subject: Subject,
    *,
    max_bytes: int = DEFAULT_LIMITS.max_text_record_bytes,
) -> Events:
    """Decode n record values; a bad one costs itself alone and never raises.

    Args:
        values: n values as they are on the topic; None is a tombstone.
        subject: The field to be judged.
        max_bytes: Greatest length of a value; a larger one is refused unread.
    """
    return _together(values, subject, max_bytes) or _one_by_one(values, subject, max_bytes)


def _together(values: Sequence[bytes | None], subject: Subject, max_bytes: int) -> Events | None:
    """All n, a field after the other; None where any record wants a look of its own."""
    parsed = _parsed_together(values, max_bytes)
    if parsed is None:
        return None
    texts = [event.pop(subject.field, None) for event in parsed]
    event_ids = [event.pop("id", None) for event in parsed]
    kinds = subject.kind_of and [event.pop("kind", None) for event in parsed]
    if not (_are_subjects(texts, subject) and are_ids(event_ids) and _are_kinds(kinds or [])):
        return None
    observed_at = [take_observed_at(event) if event else None for event in parsed]
    left = [carried(event) if event else _NOTHING for event in parsed]
    return Events(
        rows=np.arange(len(parsed), dtype=np.int64),
        subjects=texts,
        event_ids=event_ids,
        observed_at=observed_at,
        further=[fields for fields, _ in left],
        omitted=[names for _, names in left],
        rejects=NONE_REFUSED,
        kinds=kinds
        and subject.kind_of
        and [kind or subject.kind_of(text) for kind, text in zip(kinds, texts, strict=True)],
    )


def _parsed_together(values: Sequence[bytes | None], max_bytes: int) -> list[dict[str, Any]] | None:
    """The JSON objects of n events; None where one is none, or all together are large."""
    if None in values:
        return None
    some = cast("Sequence[bytes]", values)
    sizes = [len(value) for value in some]
    if not sizes or max(sizes) > max_bytes or sum(sizes) > _MOST_TOGETHER:
        return None
    try:
        parsed = list(map(orjson.loads, some))
    except orjson.JSONDecodeError:
        return None
    return parsed if set(map(type, parsed)) == {dict} else None


def _are_subjects(texts: list[Any], subject: Subject) -> bool:
    return (
        set(map(type, texts)) == {str}
        and all(texts)
        and max(map(len, texts)) <= subject.max_code_points
    )


def _are_kinds(kinds: list[Any]) -> bool:
    return set(map(type, kinds)) <= {str, type(None)} and set(kinds) <= {None, *KINDS}


def _one_by_one(values: Sequence[bytes | None], subject: Subject, max_bytes: int) -> Events:
    rows: list[int] = []
    texts: list[str] = []
    kinds: list[str] = []
    event_ids: list[str | int | None] = []
    observed_at: list[str | None] = []
    further: list[dict[str, Any] | None] = []
    omitted: list[tuple[str, ...]] = []
    refusals = Refusals()
    kind_of, mend = subject.kind_of, subject.mend
    for row, value in enumerate(values):
        try:
            event = parsed(value, max_bytes, mend)
            text = _text(event, subject)
            event_id = take_id(event) if event else None
            if kind_of is not None:
                kinds.append(_kind(event, text, kind_of))
        except RefusedError as refused:
            refusals.add(row, refused)
            continue
        rows.append(row)
        texts.append(text)
        event_ids.append(event_id)
        observed_at.append(take_observed_at(event) if event else None)
        fields, names = carried(event) if event else _NOTHING
        further.append(fields)
        omitted.append(names)
    return Events(
        rows=np.array(rows, np.int64),
        subjects=texts,
        event_ids=event_ids,
        observed_at=observed_at,
        further=further,
        omitted=omitted,
        rejects=refusals.columns(),
        kinds=None if kind_of is None else kinds,
    )


def decode_lines(
    values: Sequence[bytes],
    subject: Subject,
    *,
    max_bytes: int = DEFAULT_LIMITS.max_text_record_bytes,
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
    kinds = None if subject.kind_of is None else [subject.kind_of(text) for text in texts]
    return Events.of_texts(texts, np.array(rows, np.int64), refusals.columns(), kinds=kinds)


def _line(value: bytes, subject: Subject, max_bytes: int) -> str:
    if len(value) > max_bytes:
        raise RefusedError(
            Cause.OVERSIZED, f"The line has {len(value)} bytes; at most {max_bytes} are taken"
        )
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise no_utf8(error) from None
    return _checked(text, subject)


def _text(event: dict[str, Any], subject: Subject) -> str:
    """Take the subject out of the event."""
    text = event.pop(subject.field, MISSING)
    if type(text) is not str:
        if text is MISSING:
            raise RefusedError(Cause.SUBJECT_MISSING, f"`{subject.field}` is missing")
        raise not_a_string(subject.field, text)
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


def _kind(event: dict[str, Any], text: str, kind_of: Callable[[str], str]) -> str:
    """Take ``kind`` out of the event, or infer it."""
    kind = event.pop("kind", None)
    if kind is None:
        return kind_of(text)
    if type(kind) is not str:
        raise RefusedError(
            Cause.BAD_KIND,
            f"`kind` is {JSON_TYPES[type(kind)]}; it is one of {', '.join(KINDS)}, or left out",
        )
    if kind not in KINDS:
        raise RefusedError(
            Cause.BAD_KIND, f"`kind` is another string than {' or '.join(KINDS)}; or leave it out"
        )
    return kind
