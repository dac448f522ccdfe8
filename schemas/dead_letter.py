"""Dead letters: refused records as they came, with headers that say why and from where.

The contract is `dead_letter.schema.json`. Value, key and headers are untouched, but for:

- a tombstone without a key, which no client can send: its value becomes empty, and
  ``weir-original-null`` says so;
- a record too large to be sent on: its value is cut to the first 64 KiB (or what fits), its
  headers and then its key are left out if that is not enough; ``weir-truncated`` names what was
  touched, ``weir-original-length`` and ``weir-original-sha256`` tell of the whole value. What is
  left of a cut value is for people, not for judging again. No value is cut where the topic of
  dead letters takes records `MAX_OWN_BYTES` larger than the telemetry topic does; for pages that
  is some 97 MiB (`schemas.limits`);
- earlier headers whose names begin with ``weir-``: the prefix is ours, and they are replaced.
  Of a record that is sent back from the dead letters, and only if the caller trusts its headers,
  the first origin and what is said of the original value are kept.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schemas.causes import Cause, Stage
from schemas.origin import Origin, Origins
from schemas.text import shortened, visible

Header = tuple[str, bytes | None]
Headers = Sequence[Header]

VERSION = 1
PREFIX = "weir-"
CAUSE = "weir-cause"
DETAIL = "weir-detail"
STAGE = "weir-stage"
CONTRACT_VERSION = "weir-version"
ORIGIN_TOPIC = "weir-origin-topic"
ORIGIN_PARTITION = "weir-origin-partition"
ORIGIN_OFFSET = "weir-origin-offset"
ORIGIN_TIMESTAMP = "weir-origin-timestamp"
ORIGINAL_NULL = "weir-original-null"
TRUNCATED = "weir-truncated"
ORIGINAL_LENGTH = "weir-original-length"
ORIGINAL_SHA256 = "weir-original-sha256"

# What is said of the record as it first came, which stays true when a letter is refused again.
_OF_THE_ORIGINAL = {
    ORIGINAL_NULL: re.compile(rb"true"),
    TRUNCATED: re.compile(rb"value(,headers)?(,key)?|headers(,key)?|key"),
    ORIGINAL_LENGTH: re.compile(rb"0|[1-9][0-9]{0,18}"),
    ORIGINAL_SHA256: re.compile(rb"[0-9a-f]{64}"),
}
_OF_A_CUT = {TRUNCATED, ORIGINAL_LENGTH, ORIGINAL_SHA256}
_PARTS = (b"value", b"headers", b"key")
_ORIGIN = (ORIGIN_TOPIC, ORIGIN_PARTITION, ORIGIN_OFFSET, ORIGIN_TIMESTAMP)

KEPT_BYTES = 65_536
MAX_DETAIL_LENGTH = 512
# Our twelve headers at their longest: names and overhead 12 x 34 bytes, the detail 4 bytes a
# character, the topic 249, all other values 200.
MAX_OWN_BYTES = 4096

# A record batch of one: 61 bytes of batch header, then at most 21 of record overhead, and two
# lengths of at most 5 bytes each, once for key and value and once a header (KIP-98, message
# format 2).
_BATCH_OVERHEAD = 61 + 21 + 10
_HEADER_OVERHEAD = 10

_TOPIC = re.compile(rb"(?!\.{1,2}\Z)[a-zA-Z0-9._-]{1,249}")
_INTEGER = re.compile(rb"0|-?[1-9][0-9]{0,18}")
_MAX_INT32 = 2**31 - 1
_MAX_INT64 = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeadLetters:
    """k refused records of one stage, as parallel columns.

    Attributes:
        origins: Where they were read.
        keys: k keys as they came.
        values: k values as they came.
        headers: k header lists as they came.
        causes: k codes.
        details: k sentences; made printable, and cut after 512 characters, when encoded.
        stage: Where they were refused.
    """

    origins: Origins
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    headers: Sequence[Headers]
    causes: Sequence[Cause]
    details: Sequence[str]
    stage: Stage

    def __len__(self) -> int:
        return len(self.values)


class RecordColumns(NamedTuple):
    """n records to publish, as parallel columns."""

    keys: list[bytes | None]
    values: list[bytes | None]
    headers: list[list[Header]]


def encode(
    letters: DeadLetters, *, max_bytes: int | None = None, trusted: bool = False
) -> RecordColumns:
    """Make k refused records into k records for the dead-letter topic.

    Args:
        letters: The records.
        max_bytes: Size of the largest record that can be sent (the topic's
            ``max.message.bytes``, and the client's request size if that is smaller); None for no
            limit. A limit under some 2 KiB may be less than our own headers take.
        trusted: Whether ``weir-*`` headers that records came with are our own, from an earlier
            time; otherwise anybody may have written them.
    """
    origins = first_origins(letters.origins, letters.headers) if trusted else letters.origins
    columns = RecordColumns([], [], [])
    version = str(VERSION).encode()
    stage = letters.stage.encode()
    for key, value, came_with, cause, detail, topic, partition, offset, timestamp in zip(
        letters.keys,
        letters.values,
        letters.headers,
        letters.causes,
        letters.details,
        origins.topics,
        origins.partitions.tolist(),
        origins.offsets.tolist(),
        origins.timestamps.tolist(),
        strict=True,
    ):
        ours: list[Header] = [
            (CAUSE, cause.encode()),
            (DETAIL, shortened(visible(detail), MAX_DETAIL_LENGTH).encode()),
            (STAGE, stage),
            (CONTRACT_VERSION, version),
            (ORIGIN_TOPIC, topic.encode()),
            (ORIGIN_PARTITION, b"%d" % partition),
            (ORIGIN_OFFSET, b"%d" % offset),
            (ORIGIN_TIMESTAMP, b"%d" % timestamp),
        ]
        if trusted and origin(came_with) is not None:
            ours += _of_the_original(came_with)
        theirs = [header for header in came_with if not header[0].startswith(PREFIX)]
        key, value, headers = _sendable(key, value, theirs, ours, max_bytes)  # noqa: PLW2901
        columns.keys.append(key)
        columns.values.append(value)
        columns.headers.append(headers)
    return columns


def origin(headers: Headers) -> Origin | None:
    """The first origin that a dead letter's headers tell, read strictly.

    None when a part is missing, there twice, or not exactly as `encode` writes it.
    """
    if not headers:
        return None
    found = [(name, value) for name, value in headers if name in _ORIGIN]
    values = dict(found)
    if len(found) != len(_ORIGIN) or len(values) != len(_ORIGIN):
        return None
    topic = values[ORIGIN_TOPIC]
    partition = _integer(values[ORIGIN_PARTITION], 0, _MAX_INT32)
    offset = _integer(values[ORIGIN_OFFSET], 0, _MAX_INT64)
    timestamp = _integer(values[ORIGIN_TIMESTAMP], -1, _MAX_INT64)
    if topic is None or _TOPIC.fullmatch(topic) is None:
        return None
    if partition is None or offset is None or timestamp is None:
        return None
    return Origin(topic.decode("ascii"), partition, offset, timestamp)


def first_origins(origins: Origins, headers: Sequence[Headers]) -> Origins:
    """``origins``, but for records sent back from the dead letters their first ones.

    Only for topics whose producers are trusted not to write ``weir-origin-*`` headers: whoever
    can, chooses the ``record_id``.
    """
    return origins.replaced(
        {row: first for row, own in enumerate(headers) if (first := origin(own)) is not None}
    )


def record_bytes(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    """The most that a record takes on its own, uncompressed, in a produce request."""
    size = _BATCH_OVERHEAD + len(key or b"") + len(value or b"")
    for name, content in headers:
        size += _HEADER_OVERHEAD + len(name.encode()) + len(content or b"")
    return size


def _integer(text: bytes | None, least: int, greatest: int) -> int | None:
    if text is None or _INTEGER.fullmatch(text) is None:
        return None
    number = int(text)
    return number if least <= number <= greatest else None


def _of_the_original(headers: Headers) -> list[Header]:
    """What an earlier letter says of the original; nothing if it is not as we write it."""
    found = [(name, value) for name, value in headers if name in _OF_THE_ORIGINAL]
    names = {name for name, _ in found}
    sound = (
        len(names) == len(found)
        and names & _OF_A_CUT in (set(), _OF_A_CUT)
        and all(value and _OF_THE_ORIGINAL[name].fullmatch(value) for name, value in found)
    )
    return found if sound else []


def _sendable(
    key: bytes | None,
    value: bytes | None,
    theirs: list[Header],
    ours: list[Header],
    max_bytes: int | None,
) -> tuple[bytes | None, bytes | None, list[Header]]:
    """The record with our headers, changed only as far as it must be to be sent."""
    whole = value or b""
    if key is None and value is None:
        value = b""
        ours = _with(ours, ORIGINAL_NULL, b"true")
    if max_bytes is None or record_bytes(key, value, theirs + ours) <= max_bytes:
        return key, value, theirs + ours

    told = _with(ours, ORIGINAL_LENGTH, b"%d" % len(whole))
    told = _with(told, ORIGINAL_SHA256, hashlib.sha256(whole).hexdigest().encode())
    # Measured with the longest that these headers can say.
    longest = _with_cut(_with(told, ORIGINAL_NULL, b"true"), set(_PARTS))
    cut = set()
    if theirs and record_bytes(key, b"", theirs + longest) > max_bytes:
        theirs = []
        cut.add(b"headers")
    if key is not None and record_bytes(key, b"", theirs + longest) > max_bytes:
        key = None
        cut.add(b"key")
        if value is None:
            value = b""
            told = _with(told, ORIGINAL_NULL, b"true")
    if value:
        room = max(0, max_bytes - record_bytes(key, b"", theirs + longest))
        if min(room, KEPT_BYTES) < len(value):
            value = value[: min(room, KEPT_BYTES)]
            cut.add(b"value")
    if not cut:  # there is nothing but our own headers
        return key, value, ours
    return key, value, theirs + _with_cut(told, cut)


def _with(headers: list[Header], name: str, value: bytes) -> list[Header]:
    """``headers`` and one more, unless an earlier letter has said it already."""
    return headers if any(own == name for own, _ in headers) else [*headers, (name, value)]


def _with_cut(headers: list[Header], cut: set[bytes]) -> list[Header]:
    """``headers`` with ``weir-truncated``, which adds to what an earlier letter said."""
    earlier = dict(headers).get(TRUNCATED) or b""
    parts = cut.union(earlier.split(b","))
    told = [header for header in headers if header[0] != TRUNCATED]
    return [*told, (TRUNCATED, b",".join(part for part in _PARTS if part in parts))]
