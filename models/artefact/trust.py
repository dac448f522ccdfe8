"""Whose artefacts are taken: the public keys that are trusted, and whether one must have signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.artefact.signature import SIGNATURE, parse_signatures
from models.errors import SignatureError


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What is asked of an artefact's signature.

    Without keys signatures are not looked at. With keys, a signature of one of them must be
    right; with ``required`` there must be one.

    Attributes:
        keys: Ed25519 public keys, 32 bytes, by their ids (`models.artefact.keys.trusted_keys`).
        required: Whether an artefact without a signature by one of them is refused.
    """

    keys: Mapping[str, bytes] = field(default_factory=dict)
    required: bool = False

    def check(self, manifest: bytes, signatures: bytes | None) -> str | None:
        """Check the signatures of a manifest.

        Args:
            manifest: Its bytes, those that are then read.
            signatures: Content of ``manifest.sig``; None if there is none.

        Returns:
            The id of a trusted key that vouches for it, if any does.

        Raises:
            SignatureError: there is no signature by a trusted key, though one is required, or
                one is not of this manifest.
        """
        if not self.keys and not self.required:
            return None
        if signatures is None:
            self._refuse_unless_optional("not signed")
            return None
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - takes its time
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PublicKey,
        )

        given = parse_signatures(signatures)
        trusted = [signature for signature in given if signature.key in self.keys]
        for signature in trusted:
            key = Ed25519PublicKey.from_public_bytes(self.keys[signature.key])
            try:
                key.verify(signature.value, manifest)
            except InvalidSignature:
                raise SignatureError(
                    f"the signature by key {signature.key} in {SIGNATURE} is not of this "
                    "manifest: altered after it was signed, or the signature of another "
                    "artefact; fetch both again from whoever signed"
                ) from None
        if not trusted:
            signers = ", ".join(sorted({one.key for one in given}))
            self._refuse_unless_optional(f"signed by {signers}")
            return None
        return trusted[0].key

    def _refuse_unless_optional(self, what: str) -> None:
        if self.required:
            known = ", ".join(sorted(self.keys)) or "none"
            raise SignatureError(
                f"{what}, but a signature by a trusted key is required, which are: {known}; sign "
                "it by weir models sign, or trust the key that signed it"
            )


ANYONE = Trust()
"""Asks for no signature."""
