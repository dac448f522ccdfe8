"""Telemetry events with a page: HTML as bytes.

The contract is `telemetry_html.schema.json`. An event has exactly one of

- ``html``, a string, whose UTF-8 is the page;
- ``html_base64``, the page's bytes in standard base64 with padding, packed as ``encoding`` says:
  ``identity`` (not at all, the default), ``gzip`` (RFC 1952) or ``zstd`` (RFC 8878), both of any
  number of members or frames, and nothing behind the last;

and optionally ``url``, where the page was found, beside what all events have
(`schemas.event_fields`). ``null`` counts as not given for each of these; so does an empty ``url``.

A page is bytes: it is neither decoded nor parsed, and may be anything, even empty. Lone surrogates
in JSON's escapes, which scripts can write into a page, become U+FFFD, as they would if the page
were sent as UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from schemas.causes import Cause, Refusals, RefusedError
from schemas.event_fields import JSON_TYPES, not_a_string, parsed, take_id, take_observed_at
from schemas.events import Events, page_digest
from schemas.further import carried
from schemas.limits import DEFAULT_LIMITS, DecodingLimits
from schemas.packing import ENCODINGS, from_base64, unpacked

MAX_URL_LENGTH = 65_536


def decode_pages(
    values: Sequence[bytes | None], limits: DecodingLimits = DEFAULT_LIMITS
) -> Iterator[Events]:
    """Decode n record values in parts; a bad one costs itself alone and never raises.

    Each part holds the events, and the refused rows, of the records that follow those of the
    part before, until its pages have ``limits.max_part_bytes``. At least one part is given.

    Args:
        values: n values as they are on the topic; None is a tombstone.
        limits: What is taken.
    """
    part = _Part()
    for row, value in enumerate(values):
        if part.page_bytes >= limits.max_part_bytes:
            yield part.columns()
            part = _Part()
        try:
            part.add(row, value, limits)
        except RefusedError as refused:
            part.refusals.add(row, refused)
    yield part.columns()


class _Part:
    """Gathers the columns of a part."""

    def __init__(self) -> None:
        self.refusals = Refusals()
        self.page_bytes = 0
        self._rows: list[int] = []
        self._pages: list[bytes] = []
        self._urls: list[str | None] = []
        self._digests: list[str] = []
        self._event_ids: list[str | int | None] = []
        self._observed_at: list[str | None] = []
        self._further: list[dict[str, Any] | None] = []
        self._omitted: list[tuple[str, ...]] = []

    def add(self, row: int, value: bytes | None, limits: DecodingLimits) -> None:
        event = parsed(value, limits.max_page_record_bytes, mend=True)
        event_id = take_id(event)
        url = _take_url(event)
        page = _take_page(event, limits.max_page_bytes)
        self.page_bytes += len(page)
        self._rows.append(row)
        self._pages.append(page)
        self._urls.append(url)
        self._digests.append(page_digest(page))
        self._event_ids.append(event_id)
        self._observed_at.append(take_observed_at(event))
        fields, names = carried(event)
        self._further.append(fields)
        self._omitted.append(names)

    def columns(self) -> Events:
        return Events(
            rows=np.array(self._rows, np.int64),
            subjects=self._pages,
            event_ids=self._event_ids,
            observed_at=self._observed_at,
            further=self._further,
            omitted=self._omitted,
            rejects=self.refusals.columns(),
            urls=self._urls,
            digests=self._digests,
        )


def _take_page(event: dict[str, Any], most: int) -> bytes:
    """Take ``html``, ``html_base64`` and ``encoding`` out of the event."""
    text = event.pop("html", None)
    coded = event.pop("html_base64", None)
    encoding = event.pop("encoding", None)
    if text is None and coded is None:
        raise RefusedError(Cause.SUBJECT_MISSING, "`html` and `html_base64` are missing")
    if text is not None and coded is not None:
        raise RefusedError(Cause.SUBJECT_TWICE, "There are both `html` and `html_base64`")
    for field, value in (("html", text), ("html_base64", coded)):
        if value is not None and type(value) is not str:
            raise not_a_string(field, value)
    encoding = _checked_encoding(encoding)
    if text is None:
        return unpacked(from_base64(coded), encoding, most)
    if encoding != "identity":
        raise RefusedError(
            Cause.BAD_ENCODING,
            f"`encoding` is {encoding}, which no string can be; send `html_base64`",
        )
    return unpacked(text.encode(), encoding, most)


def _checked_encoding(encoding: object) -> str:
    if encoding is None:
        return "identity"
    known = ", ".join(ENCODINGS)
    if type(encoding) is not str:
        raise RefusedError(
            Cause.BAD_ENCODING,
            f"`encoding` is {JSON_TYPES[type(encoding)]}; it is one of {known}, or left out",
        )
    if encoding not in ENCODINGS:
        raise RefusedError(Cause.BAD_ENCODING, f"`encoding` is a string other than {known}")
    return encoding


def _take_url(event: dict[str, Any]) -> str | None:
    """Take ``url`` out of the event."""
    url = event.pop("url", None)
    if url is None or url == "":
        return None
    if type(url) is not str:
        raise RefusedError(
            Cause.BAD_URL, f"`url` is {JSON_TYPES[type(url)]}, not a string; or leave it out"
        )
    if len(url) > MAX_URL_LENGTH:
        raise RefusedError(
            Cause.BAD_URL, f"`url` has {len(url)} characters; at most {MAX_URL_LENGTH} are taken"
        )
    return url
