"""Certificates for tests: authorities, and what they sign, as PEM files that Kafka and we read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """A certificate and its key, apart and in one file (a keystore of Kafka's)."""

    certificate: Path
    key: Path
    both: Path


class Authority:
    """Signs certificates, and keeps them in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._ca = trustme.CA(organization_name=name)
        self.file = folder / f"{name}.pem"
        self._ca.cert_pem.write_to_path(self.file)

    def sign(
        self, name: str, *identities: str, expired: bool = False, password: str | None = None
    ) -> Files:
        """A certificate for hosts, or for a client by its common name."""
        now = dt.datetime.now(dt.UTC)
        made = self._ca.issue_cert(
            *identities,
            common_name=name,
            not_before=now - 2 * HOUR,
            not_after=now - HOUR if expired else now + HOUR,
        )
        # Kafka reads PKCS #8 alone (RFC 5208).
        key = serialization.load_pem_private_key(
            made.private_key_pem.bytes(), password=None
        ).private_bytes(
            Encoding.PEM,
            PrivateFormat.PKCS8,
            NoEncryption() if password is None else BestAvailableEncryption(password.encode()),
        )
        chain = b"".join(blob.bytes() for blob in made.cert_chain_pems)
        files = Files(
            certificate=self._folder / f"{name}.crt",
            key=self._folder / f"{name}.key",
            both=self._folder / f"{name}.both.pem",
        )
        files.certificate.write_bytes(chain)
        files.key.write_bytes(key)
        files.both.write_bytes(key + chain)
        return files
