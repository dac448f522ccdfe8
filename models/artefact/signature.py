"""Detached signatures of an artefact: who vouches for its manifest, and so for all of it.

``manifest.sig`` is JSON with one signature a key, so that an artefact can be signed by an old key
and a new one while keys are changed over::

    {"format": 1, "signatures": [{"key": "9f86d081884c7d65", "algorithm": "ed25519",
                                  "signature": "<base64 of 64 bytes>"}]}

What is signed are the bytes of ``manifest.json``, as they are: the manifest holds the digests of
weights and golden subjects, name and version, featuriser and thresholds. Any tool that knows
Ed25519 (RFC 8032) can check it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from reprlib import repr as shown

from models.artefact.manifest import loads
from models.errors import ArtefactError, SignatureError

SIGNATURE = "manifest.sig"
FORMAT = 1
ALGORITHM = "ed25519"
# A signature takes some 200 bytes, and nobody has dozens of keys.
LARGEST_SIGNATURE = 1 << 14
SIGNATURE_BYTES = 64
_KEY_ID = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One key's signature of a manifest.

    Attributes:
        key: The id of the key (`models.artefact.keys.key_id`), 16 hexadecimal digits. It only
            says which key to try.
        value: Ed25519, 64 bytes.
    """

    key: str
    value: bytes


def parse_signatures(raw: bytes) -> tuple[Signature, ...]:
    """Read ``manifest.sig``.

    Raises:
        SignatureError: it is not as described above.
    """
    try:
        content = loads(raw)
    except ArtefactError as error:
        raise SignatureError(str(error)) from error
    rows = content.get("signatures") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not rows or content.get("format") != FORMAT:
        raise SignatureError(f"not signatures of format {FORMAT}; sign the artefact again")
    return tuple(_signature(row, number) for number, row in enumerate(rows))


def _signature(row: object, number: int) -> Signature:
    if not isinstance(row, dict) or row.get("algorithm") != ALGORITHM:
        raise SignatureError(f"signature {number} is {shown(row)}, expected one of {ALGORITHM}")
    key, encoded = row.get("key"), row.get("signature")
    if not isinstance(key, str) or not _KEY_ID.fullmatch(key):
        raise SignatureError(f"key of signature {number} is {shown(key)}, expected 16 digits")
    try:
        value = base64.b64decode(encoded if isinstance(encoded, str) else "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureError(f"signature {number} is not base64: {error}") from error
    if len(value) != SIGNATURE_BYTES:
        raise SignatureError(
            f"signature {number} has {len(value)} bytes, expected {SIGNATURE_BYTES}"
        )
    return Signature(key=key, value=value)


def encode_signatures(signatures: Iterable[Signature]) -> bytes:
    """Signatures as ``manifest.sig`` has them."""
    rows = [
        {
            "key": signature.key,
            "algorithm": ALGORITHM,
            "signature": base64.b64encode(signature.value).decode(),
        }
        for signature in signatures
    ]
    return json.dumps({"format": FORMAT, "signatures": rows}, indent=1).encode() + b"\n"
