"""Reads an artefact: nothing is allocated that the manifest and its limits do not allow."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from models.artefact.artefact import Artefact
from models.artefact.manifest import (
    GOLDEN,
    LARGEST_HEADER,
    LARGEST_MANIFEST,
    MANIFEST,
    MOST_GOLDEN,
    WEIGHTS,
    File,
    Manifest,
    finite,
    loads,
    parse,
)
from models.artefact.precision import NUMPY_NAMES, Layout, computed, layout
from models.artefact.signature import LARGEST_SIGNATURE, SIGNATURE
from models.artefact.trust import ANYONE, Trust
from models.detectors import Detector
from models.errors import ArtefactError, DigestError, ShapeError

# A safetensors file begins with the length of its header, a little-endian uint64.
_LENGTH_BYTES = 8


def load(folder: Path, trust: Trust = ANYONE) -> Artefact:
    """Read and verify an artefact.

    Symbolic links are followed, as mounted volumes are made of them: the digests vouch for the
    content, wherever it lies. What is no regular file is not read.

    Args:
        folder: Where it is.
        trust: Who must have signed it; nobody by default.

    Raises:
        SignatureError: its signature is missing, though required, or wrong.
        DigestError: a file is not the one that the manifest tells of.
        ShapeError: its tensors are not those of its network.
        ArtefactError: anything else about it is not as it should be; nothing was used.
    """
    manifest, signer = _signed_manifest(folder, trust)
    with _naming(folder / WEIGHTS):
        tensors = _tensors(_checked(folder / WEIGHTS, manifest.files[WEIGHTS]), manifest)
    with _naming(folder / GOLDEN):
        golden = _golden(_checked(folder / GOLDEN, manifest.files[GOLDEN]), manifest.detector)
    return Artefact(
        detector=manifest.detector,
        name=manifest.name,
        version=manifest.version,
        digest=manifest.digest,
        sizes=manifest.sizes,
        calibration=manifest.calibration,
        thresholds=manifest.thresholds,
        tensors=tensors,
        golden=golden,
        manifest=manifest.content,
        signer=signer,
    )


def load_manifest(folder: Path) -> Manifest:
    """Read the manifest alone; whether the other files are as it says is not looked at.

    Raises:
        ArtefactError: it is missing, or a field cannot be used.
    """
    return _signed_manifest(folder, ANYONE)[0]


def _signed_manifest(folder: Path, trust: Trust) -> tuple[Manifest, str | None]:
    """The manifest, and the key that vouches for the very bytes that were read."""
    raw = read_manifest(folder)
    # Before anything is made of it.
    with _naming(folder):
        signer = trust.check(raw, read_signatures(folder))
    with _naming(folder / MANIFEST):
        return parse(raw), signer


def read_manifest(folder: Path) -> bytes:
    """Content of ``manifest.json``, whatever it be.

    Raises:
        ArtefactError: it cannot be read.
    """
    with _naming(folder / MANIFEST):
        return _read(folder / MANIFEST, LARGEST_MANIFEST)


def read_signatures(folder: Path) -> bytes | None:
    """Content of ``manifest.sig``; None if there is none.

    Raises:
        ArtefactError: it cannot be read.
    """
    path = folder / SIGNATURE
    if not os.path.lexists(path):
        return None
    with _naming(path):
        return _read(path, LARGEST_SIGNATURE)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors from within name the file."""
    try:
        yield
    except ArtefactError as error:
        raise type(error)(f"{path}: {error}") from error


def _read(path: Path, most: int) -> bytes:
    try:
        # Opening a named pipe would otherwise wait for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ArtefactError("not a regular file")
            content = file.read(most + 1)
    except OSError as error:
        raise ArtefactError(f"cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise ArtefactError(f"longer than the {most} bytes it may have")
    return content


def _checked(path: Path, expected: File) -> bytes:
    """Content of a file whose length and digest are as the manifest says."""
    content = _read(path, expected.bytes)
    digest = hashlib.sha256(content).hexdigest()
    if len(content) != expected.bytes or digest != expected.sha256:
        raise DigestError(
            f"{len(content)} bytes with SHA-256 {digest}, the manifest says {expected.bytes} and "
            f"{expected.sha256}: altered or half copied; fetch the artefact again"
        )
    return content


def _golden(content: bytes, detector: Detector) -> list[tuple[str | bytes, float]]:
    rows = loads(content)
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_GOLDEN:
        raise ArtefactError(f"not a list of 1 to {MOST_GOLDEN} golden subjects to check weights by")
    golden = []
    for number, row in enumerate(rows):
        subject = row.get(detector.subject) if isinstance(row, dict) else None
        if not isinstance(subject, str):
            raise ArtefactError(f"row {number} has no {detector.subject}")
        logit = finite(row.get("logit"), f"logit of row {number}")
        golden.append((subject if detector.subject == "text" else _page(subject, number), logit))
    return golden


def _page(encoded: str, number: int) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ArtefactError(f"the page of row {number} is not base64: {error}") from error


def _tensors(content: bytes, manifest: Manifest) -> dict[str, NDArray[np.float32]]:
    sizes = manifest.sizes
    _check_header(content, layout(sizes.shapes(), manifest.precision, sizes.tables))
    try:
        stored = safetensors.numpy.load(content)
    except safetensors.SafetensorError as error:
        raise ArtefactError(f"not a safetensors file: {error}") from error
    tensors = computed(stored)
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ArtefactError(f"tensor '{name}' holds values that are not finite")
    return tensors


def _check_header(content: bytes, expected: Layout) -> None:
    """See that the tensors are those of the network, each once, before any is allocated."""
    length = int.from_bytes(content[:_LENGTH_BYTES], "little")
    if not 0 < length <= min(LARGEST_HEADER, len(content) - _LENGTH_BYTES):
        raise ArtefactError(f"not a safetensors file: its header is said to have {length} bytes")
    header = loads(content[_LENGTH_BYTES : _LENGTH_BYTES + length])
    if not isinstance(header, dict):
        raise ArtefactError("not a safetensors file: its header is no object")
    header.pop("__metadata__", None)
    if different := set(header) ^ set(expected):
        raise ShapeError(
            f"the network's sizes and the file differ in the tensors {sorted(different)[:3]}"
        )
    for name, (dtype, shape) in expected.items():
        told = header[name]
        if not isinstance(told, dict) or (told.get("dtype"), told.get("shape")) != (
            dtype,
            list(shape),
        ):
            raise ShapeError(
                f"tensor '{name}' is not {NUMPY_NAMES[dtype]} of the shape {shape} that the "
                "network's sizes imply"
            )
