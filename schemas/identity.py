r"""Deterministic ids of records and verdicts, version 1.

Both ids are the first 16 bytes of a SHA-256 (FIPS 180-4), as 32 lowercase hexadecimal digits.
Integers are big-endian two's complement. A *string* is its length in bytes as an unsigned 32-bit
integer, followed by its UTF-8. ``\0`` is one zero byte. What is hashed, in this order:

record_id
    1. the ASCII bytes ``fishweir/record/1\0``
    2. the topic, a string
    3. the partition, 32 bits
    4. the offset, 64 bits
    5. the timestamp in milliseconds since the epoch, 64 bits; -1 where the log has none

id of a verdict
    1. the ASCII bytes ``fishweir/verdict/1\0``
    2. the record_id, a string (of 32 hexadecimal digits)
    3. the detector's name, a string
    4. the artefact's digest, a string, as it stands in ``model.digest``

`golden/identity.json` has vectors with the bytes that are hashed.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

import numpy as np

from schemas.origin import Origins

RECORD_PREFIX = b"fishweir/record/1\0"
VERDICT_PREFIX = b"fishweir/verdict/1\0"
ID_DIGITS = 32

_LENGTH = struct.Struct(">I")
# A partition, an offset and a timestamp, as they are hashed.
_POSITION = np.dtype([("partition", ">i4"), ("offset", ">i8"), ("timestamp", ">i8")])


def record_ids(origins: Origins) -> list[str]:
    """Ids of n records: digests over their origins."""
    heads = {topic: RECORD_PREFIX + _string(topic) for topic in set(origins.topics)}
    positions = np.empty(len(origins), _POSITION)
    positions["partition"] = origins.partitions
    positions["offset"] = origins.offsets
    positions["timestamp"] = origins.timestamps
    packed, size, sha256 = positions.tobytes(), _POSITION.itemsize, hashlib.sha256
    return [
        sha256(heads[topic] + packed[start : start + size]).hexdigest()[:ID_DIGITS]
        for topic, start in zip(origins.topics, range(0, len(packed), size), strict=True)
    ]


def verdict_ids(records: Sequence[str], detector: str, artefact_digest: str) -> list[str]:
    """Ids of n verdicts that one detector, from one artefact, gives on n records.

    Args:
        records: n record ids.
        detector: The detector's name.
        artefact_digest: The digest of weights, thresholds, calibration and featuriser together.
    """
    tail = _string(detector) + _string(artefact_digest)
    sha256, length = hashlib.sha256, _LENGTH.pack
    return [
        sha256(b"%b%b%b%b" % (VERDICT_PREFIX, length(len(record)), record, tail)).hexdigest()[
            :ID_DIGITS
        ]
        for record in map(str.encode, records)
    ]


def _string(text: str) -> bytes:
    encoded = text.encode()
    return _LENGTH.pack(len(encoded)) + encoded
