"""Signs artefacts."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from models.artefact.keys import key_id
from models.artefact.manifest import MANIFEST
from models.artefact.reading import load, read_manifest, read_signatures
from models.artefact.signature import SIGNATURE, Signature, encode_signatures, parse_signatures
from models.artefact.writing import write_file
from models.errors import DigestError, SignatureError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def sign(folder: Path, key: Ed25519PrivateKey) -> str:
    """Verify an artefact and sign its manifest, beside what other keys have signed.

    Signatures of other keys stay if they are signatures at all; an earlier one of this key is
    replaced. ``manifest.sig`` is replaced in one step.

    Returns:
        The id of the key.

    Raises:
        ArtefactError: the artefact is not what it should be, or the file cannot be written.
        EngineError: its weights do not give the logits that they must.
    """
    artefact = load(folder)
    artefact.engine("tables")
    manifest = read_manifest(folder)
    if hashlib.sha256(manifest).hexdigest() != artefact.digest:
        raise DigestError(f"{folder / MANIFEST} changed while it was being signed")
    name = key_id(key.public_key().public_bytes_raw())
    others = [one for one in signatures_of(folder) if one.key != name]
    content = encode_signatures([*others, Signature(key=name, value=key.sign(manifest))])
    try:
        write_file(folder / SIGNATURE, content)
    except OSError as error:
        raise SignatureError(
            f"{folder / SIGNATURE}: cannot be written: {error.strerror}"
        ) from error
    return name


def signatures_of(folder: Path) -> tuple[Signature, ...]:
    """The signatures beside a manifest, whoever made them; none are checked.

    Raises:
        ArtefactError: ``manifest.sig`` is there and cannot be read.
    """
    raw = read_signatures(folder)
    try:
        return () if raw is None else parse_signatures(raw)
    except SignatureError as error:
        raise SignatureError(f"{folder / SIGNATURE}: {error}") from error
