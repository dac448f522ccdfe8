"""Telemetry by detector: a batch of record values in, columns out.

An event is a JSON object with the subject to be judged (`schemas.telemetry_text`,
`schemas.telemetry_path`, `schemas.telemetry_html`), and optionally

- ``id``, the producer's own: a string of up to 1,024 characters or an integer from -2^63 + 1 to
  2^64 - 1; anything else is refused, for consumers join and deduplicate by it. ``null`` counts
  as not given;
- ``observed_at``, RFC 3339 (see `schemas.timestamps.is_rfc3339`). Anything else is no reason to
  refuse: it is carried as a further field, as it is. ``null`` counts as not given;
- any further fields, carried when they are small (`schemas.further`).

JSON is parsed by orjson: UTF-8 without a byte order mark, the last of duplicate keys wins, and
integers beyond 64 bits become doubles. Lengths count code points, those of pages bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

from schemas.events import Events
from schemas.limits import DEFAULT_LIMITS, DecodingLimits
from schemas.telemetry_html import decode_pages
from schemas.telemetry_path import PATH
from schemas.telemetry_text import URL, Subject, decode, decode_lines

__all__ = [
    "DECODERS",
    "DEFAULT_LIMITS",
    "PATH",
    "SUBJECTS",
    "URL",
    "Decoder",
    "DecodingLimits",
    "Events",
    "Subject",
    "decode",
    "decode_lines",
    "in_parts",
    "max_record_bytes",
]


class Decoder(Protocol):
    """Any shape of telemetry is one of these."""

    def __call__(
        self, values: Sequence[bytes | None], limits: DecodingLimits = DEFAULT_LIMITS, /
    ) -> Events:
        """Decode n record values at one go; a bad one costs itself alone and never raises."""
        ...


def in_parts(
    detector: str, values: Sequence[bytes | None], limits: DecodingLimits = DEFAULT_LIMITS
) -> Iterator[Events]:
    """Decode n record values in parts that fit in memory, however small they came packed.

    A few kilobytes may unpack to a page of 32 MiB, and a batch of those to more than there is:
    pages are unpacked until a part has ``limits.max_part_bytes``, and the next part only when it
    is asked for. Texts are one part.

    Args:
        detector: Whose events they are.
        values: n values as they are on the topic; None is a tombstone.
        limits: What is taken.

    Yields:
        At least one part. Every row of the batch is in one of them, accepted or refused, by its
        index in the whole batch; rows rise from part to part.

    Raises:
        KeyError: there is no such detector.
    """
    return _PARTS[detector](values, limits)


def max_record_bytes(detector: str, limits: DecodingLimits = DEFAULT_LIMITS) -> int:
    """Greatest length of a record's value for a detector; its topic should take no less."""
    return limits.max_text_record_bytes if detector in SUBJECTS else limits.max_page_record_bytes


def _texts(subject: Subject) -> Decoder:
    def decoder(
        values: Sequence[bytes | None], limits: DecodingLimits = DEFAULT_LIMITS, /
    ) -> Events:
        return decode(values, subject, max_bytes=limits.max_text_record_bytes)

    return decoder


def _pages(values: Sequence[bytes | None], limits: DecodingLimits = DEFAULT_LIMITS, /) -> Events:
    (whole,) = decode_pages(values, replace(limits, max_part_bytes=sys.maxsize))
    return whole


def _whole(decoder: Decoder) -> _InParts:
    def parts(values: Sequence[bytes | None], limits: DecodingLimits) -> Iterator[Events]:
        yield decoder(values, limits)

    return parts


_InParts = Callable[[Sequence[bytes | None], DecodingLimits], Iterator[Events]]

SUBJECTS: Mapping[str, Subject] = MappingProxyType({"url": URL, "path": PATH})
"""What the events of detectors of texts are about, by the detector's name."""

DECODERS: Mapping[str, Decoder] = MappingProxyType(
    {name: _texts(subject) for name, subject in SUBJECTS.items()} | {"html": _pages}
)
"""Shapes of telemetry by the detector's name; a further shape is a further row."""

_PARTS: Mapping[str, _InParts] = MappingProxyType(
    {name: _whole(decoder) for name, decoder in DECODERS.items()} | {"html": decode_pages}
)
