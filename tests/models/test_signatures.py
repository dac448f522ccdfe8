"""Signatures of artefacts: who vouches for them, and what nobody does."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from hypothesis import given
from hypothesis import strategies as st

from models.artefact import MANIFEST, SIGNATURE, Trust, load
from models.artefact.keys import load_private_key, trusted_keys, write_key_pair
from models.artefact.signature import Signature, encode_signatures, parse_signatures
from models.artefact.signing import sign, signatures_of
from models.errors import ArtefactError, DigestError, SignatureError
from tests.models.networks import save_artefact

SIGNATURES = st.lists(
    st.builds(
        Signature,
        key=st.text("0123456789abcdef", min_size=16, max_size=16),
        value=st.binary(min_size=64, max_size=64),
    ),
    min_size=1,
    max_size=4,
)


def signed(**change: str | None) -> bytes:
    """Content of ``manifest.sig`` that would be right but for the change."""
    value = base64.b64encode(bytes(64)).decode()
    row = {"algorithm": "ed25519", "key": "0123456789abcdef", "signature": value, **change}
    return json.dumps({"format": 1, "signatures": [row]}).encode()


class Signer:
    """A key pair in files."""

    def __init__(self, folder: Path, name: str, passphrase: bytes | None = None) -> None:
        self.private, self.public = folder / name, folder / f"{name}.pub"
        self.id = write_key_pair(self.private, self.public, passphrase)

    def sign(self, folder: Path) -> None:
        assert sign(folder, load_private_key(self.private)) == self.id

    def trust(self, *others: Signer, required: bool = True) -> Trust:
        return Trust(
            keys=trusted_keys([self.public, *(other.public for other in others)]),
            required=required,
        )


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(tmp_path, "key")


@pytest.fixture
def stranger(tmp_path: Path) -> Signer:
    return Signer(tmp_path, "stranger")


@given(SIGNATURES)
def test_signatures_are_read_as_they_were_written(signatures: list[Signature]) -> None:
    assert parse_signatures(encode_signatures(signatures)) == tuple(signatures)


def test_a_signature_vouches_for_an_artefact(artefact_folder: Path, signer: Signer) -> None:
    signer.sign(artefact_folder)
    assert load(artefact_folder, signer.trust()).signer == signer.id
    # Nobody was asked for, so nobody vouches.
    assert load(artefact_folder).signer is None


def test_any_tool_that_knows_ed25519_can_check_it(artefact_folder: Path, signer: Signer) -> None:
    signer.sign(artefact_folder)
    (row,) = json.loads((artefact_folder / SIGNATURE).read_bytes())["signatures"]
    key = load_pem_public_key(signer.public.read_bytes())
    key.verify(  # type: ignore[union-attr, call-arg]  # of the kinds of keys it may be
        base64.b64decode(row["signature"]), (artefact_folder / MANIFEST).read_bytes()
    )


def test_what_nobody_trusted_has_signed_is_refused_only_where_it_must_be_signed(
    artefact_folder: Path, signer: Signer, stranger: Signer
) -> None:
    for who in ("not signed", f"signed by {stranger.id}"):
        with pytest.raises(SignatureError, match=f"{artefact_folder}: {who}.*{signer.id}"):
            load(artefact_folder, signer.trust())
        assert load(artefact_folder, signer.trust(required=False)).signer is None
        stranger.sign(artefact_folder)
    with pytest.raises(SignatureError, match="which are: none"):
        load(artefact_folder, Trust(required=True))


@pytest.mark.parametrize("required", [True, False])
def test_a_manifest_altered_since_is_refused_by_its_signature(
    artefact_folder: Path, signer: Signer, required: bool
) -> None:
    signer.sign(artefact_folder)
    manifest = artefact_folder / MANIFEST
    content = manifest.read_text()
    manifest.write_text(content.replace('"logit": 1.5', '"logit": 9.5'))
    assert load(artefact_folder).thresholds.malicious.logit == 9.5
    with pytest.raises(SignatureError, match="not of this manifest"):
        load(artefact_folder, signer.trust(required=required))


def test_the_signature_of_another_artefact_is_refused(
    artefact_folder: Path, signer: Signer, tmp_path: Path
) -> None:
    save_artefact(tmp_path / "other", seed=1)
    signer.sign(tmp_path / "other")
    (tmp_path / "other" / SIGNATURE).rename(artefact_folder / SIGNATURE)
    with pytest.raises(SignatureError, match="not of this manifest"):
        load(artefact_folder, signer.trust())


def test_a_strangers_signature_in_a_trusted_keys_name_is_refused(
    artefact_folder: Path, signer: Signer, stranger: Signer
) -> None:
    stranger.sign(artefact_folder)
    path = artefact_folder / SIGNATURE
    path.write_text(path.read_text().replace(stranger.id, signer.id))
    with pytest.raises(SignatureError, match=f"key {signer.id}"):
        load(artefact_folder, signer.trust())


def test_weights_are_vouched_for_by_way_of_their_digest(
    artefact_folder: Path, signer: Signer
) -> None:
    signer.sign(artefact_folder)
    weights = artefact_folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(DigestError, match=str(weights)):
        load(artefact_folder, signer.trust())


def test_keys_are_changed_over_by_signing_with_both(
    artefact_folder: Path, signer: Signer, stranger: Signer
) -> None:
    for _ in range(2):
        signer.sign(artefact_folder)
        stranger.sign(artefact_folder)
    assert sorted(one.key for one in signatures_of(artefact_folder)) == sorted(
        (signer.id, stranger.id)
    )
    for trust in (signer.trust(), stranger.trust(), signer.trust(stranger)):
        assert load(artefact_folder, trust).signer in trust.keys


def test_several_keys_in_one_file_are_all_trusted(
    artefact_folder: Path, signer: Signer, stranger: Signer, tmp_path: Path
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(b"of today:\n" + signer.public.read_bytes() + stranger.public.read_bytes())
    assert set(trusted_keys([both])) == {signer.id, stranger.id}


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"[]", b"{}", b'{"format": 2, "signatures": []}'),
        b'{"format": 1, "signatures": []}',
        b'{"format": 1, "signatures": ["x"]}',
        b'{"format": 1, "signatures": [{"algorithm": "none"}]}',
        signed(key="../../etc/passwd"),
        signed(key="0123456789ABCDEF"),
        signed(signature=None),
        signed(signature="AAAA"),
        signed(signature="\u00e9"),
        b" " * 20_000,
    ],
)
def test_what_are_no_signatures_is_refused(
    artefact_folder: Path, signer: Signer, raw: bytes
) -> None:
    (artefact_folder / SIGNATURE).write_bytes(raw)
    with pytest.raises(ArtefactError, match=str(artefact_folder)):
        load(artefact_folder, signer.trust(required=False))
    # Who asks for nobody's does not read them.
    if len(raw) < 1000:
        assert load(artefact_folder).signer is None


def test_nothing_that_is_broken_is_signed(artefact_folder: Path, signer: Signer) -> None:
    (artefact_folder / "weights.safetensors").write_bytes(b"x")
    with pytest.raises(DigestError):
        sign(artefact_folder, load_private_key(signer.private))
    assert not (artefact_folder / SIGNATURE).exists()


def test_private_keys_are_their_owners_alone(signer: Signer) -> None:
    assert stat.S_IMODE(signer.private.stat().st_mode) == 0o600
    signer.private.chmod(0o640)
    with pytest.raises(SignatureError, match=r"mode 0640.*chmod 600"):
        load_private_key(signer.private)


def test_keys_are_never_overwritten(signer: Signer, tmp_path: Path) -> None:
    before = signer.private.read_bytes(), signer.public.read_bytes()
    for private, public in (
        (signer.private, tmp_path / "new.pub"),
        (tmp_path / "new", signer.public),
    ):
        with pytest.raises(SignatureError, match="never overwritten"):
            write_key_pair(private, public)
    assert before == (signer.private.read_bytes(), signer.public.read_bytes())
    assert not (tmp_path / "new").exists()


def test_a_passphrase_is_asked_of_whoever_uses_the_key(tmp_path: Path) -> None:
    signer = Signer(tmp_path, "locked", b"correct horse")
    assert b"ENCRYPTED" in signer.private.read_bytes()
    load_private_key(signer.private, b"correct horse")
    for wrong, told in ((None, "needs its passphrase"), (b"battery", "the passphrase is wrong")):
        with pytest.raises(SignatureError, match=told) as caught:
            load_private_key(signer.private, wrong)
        assert "battery" not in str(caught.value)
        assert caught.value.__cause__ is None
    open_key = Signer(tmp_path, "open")
    with pytest.raises(SignatureError, match="give no passphrase"):
        load_private_key(open_key.private, b"battery")


def test_what_is_no_public_key_is_not_trusted(signer: Signer, tmp_path: Path) -> None:
    other = generate_private_key(SECP256R1()).public_key()
    curve = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    garbled = signer.public.read_bytes().replace(b"MCow", b"MCox")
    for content, told in (
        (b"", "no public keys"),
        (signer.private.read_bytes(), "holds a private key"),
        (curve, "not Ed25519"),
        (garbled, "cannot be read"),
        (signer.public.read_bytes() + b"-----BEGIN CERTIFICATE-----\n", "or more than that"),
        (b"x" * (1 << 19), "longer than"),
    ):
        (tmp_path / "keys.pem").write_bytes(content)
        with pytest.raises(SignatureError, match=told):
            trusted_keys([tmp_path / "keys.pem"])
    with pytest.raises(SignatureError, match="No such file"):
        trusted_keys([tmp_path / "nowhere.pem"])
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SignatureError, match="not a regular file"):
        trusted_keys([tmp_path / "pipe"])


def test_a_private_key_of_another_kind_signs_nothing(signer: Signer, tmp_path: Path) -> None:
    path = tmp_path / "curve.pem"
    path.write_bytes(
        generate_private_key(SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
    )
    path.chmod(0o600)
    with pytest.raises(SignatureError, match="not Ed25519"):
        load_private_key(path)
    signer.private.write_text("-----BEGIN PRIVATE KEY-----\nno\n-----END PRIVATE KEY-----\n")
    with pytest.raises(SignatureError, match="cannot be read"):
        load_private_key(signer.private)
