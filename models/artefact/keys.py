"""Keys that sign artefacts: Ed25519, in the PEM files that OpenSSL and others read and write.

Private keys are PKCS #8, encrypted if a passphrase is given; public ones SubjectPublicKeyInfo,
several to a file if need be.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from models.errors import SignatureError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# A key takes some hundred bytes; a file of trusted ones may have many, with words between.
LARGEST_FILE: Final = 1 << 18
_ID_DIGITS: Final = 16
_PRIVATE_MODE: Final = 0o600
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_PUBLIC: Final = re.compile(
    rb"-----BEGIN PUBLIC KEY-----[^-]{1,10000}-----END PUBLIC KEY-----", re.DOTALL
)


def key_id(public: bytes) -> str:
    """What a public key (32 bytes) is called: 16 digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:_ID_DIGITS]


def trusted_keys(files: Iterable[Path]) -> dict[str, bytes]:
    """The public keys in some files, 32 bytes each, by their ids.

    Raises:
        SignatureError: a file cannot be read, has no key, or one that is not Ed25519.
    """
    return {key_id(key): key for file in files for key in _public_keys(file)}


def _public_keys(file: Path) -> list[bytes]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_public_key,
    )

    content = _read(file)
    if b"PRIVATE KEY-----" in content:
        raise SignatureError(
            f"{file} holds a private key; keep it where models are signed, and give the file of "
            "its public key"
        )
    blocks = _PUBLIC.findall(content)
    if not blocks or len(blocks) != content.count(b"-----BEGIN"):
        raise SignatureError(
            f"{file} holds no public keys in PEM, or more than that; give a file as weir models "
            "keygen writes it"
        )
    keys = []
    for block in blocks:
        try:
            key = load_pem_public_key(block)
        except Exception as error:  # whatever OpenSSL has against it
            raise SignatureError(f"{file} holds a key that cannot be read: {error}") from error
        if not isinstance(key, Ed25519PublicKey):
            raise SignatureError(f"{file} holds a key that is not Ed25519; make one by keygen")
        keys.append(key.public_bytes_raw())
    return keys


def load_private_key(file: Path, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    """Read a private key, which nobody else may be able to read.

    Raises:
        SignatureError: it cannot be read, others can read it, or the passphrase is missing or
            wrong. Nothing of its content is told.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_private_key,
    )

    content = _read(file, private=True)
    try:
        key = load_pem_private_key(content, passphrase or None)
    except TypeError:
        told = "is not encrypted, so give no passphrase" if passphrase else "needs its passphrase"
        raise SignatureError(f"the private key {file} {told}") from None
    except Exception:  # noqa: BLE001 - whatever OpenSSL has against it; nothing of it is told
        what = "not a private key in PEM, or the passphrase is wrong"
        raise SignatureError(f"the private key {file} cannot be read: {what}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SignatureError(f"the private key {file} is not Ed25519; make one by keygen")
    return key


def _read(file: Path, *, private: bool = False) -> bytes:
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as opened:
            mode = os.fstat(handle).st_mode
            if not stat.S_ISREG(mode):
                raise SignatureError(f"{file}: not a regular file")
            if private and mode & _OTHERS:
                raise SignatureError(
                    f"{file}: others than its owner may use this private key (mode "
                    f"{stat.S_IMODE(mode):04o}); chmod 600 it, and change the key if they did"
                )
            content = opened.read(LARGEST_FILE + 1)
    except OSError as error:
        raise SignatureError(f"{file}: cannot be read: {error.strerror}") from error
    if len(content) > LARGEST_FILE:
        raise SignatureError(f"{file}: longer than the {LARGEST_FILE} bytes that keys may take")
    return content


def write_key_pair(private: Path, public: Path, passphrase: bytes | None = None) -> str:
    """Make a key pair and write it; neither file may be there.

    Returns:
        The id of the key.

    Raises:
        SignatureError: a file is there already, or cannot be written.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    key = Ed25519PrivateKey.generate()
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    told = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    name = key_id(key.public_key().public_bytes_raw())
    if os.path.lexists(public):
        raise SignatureError(f"{public}: there is such a file already; keys are never overwritten")
    _create(private, pem, _PRIVATE_MODE)
    # The words before a block are no part of it: they tell people which key it is.
    _create(public, f"Fishweir models, key {name}\n".encode() + told, 0o644)
    return name


def _create(path: Path, content: bytes, mode: int) -> None:
    try:
        # The mode from the first moment: nobody can read it in between.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
    except FileExistsError as error:
        raise SignatureError(
            f"{path}: there is such a file already; keys are never overwritten"
        ) from error
    except OSError as error:
        raise SignatureError(f"{path}: cannot be written: {error.strerror}") from error
