"""Artefacts: weights as data beside a manifest that says what they are, checked before use.

A folder of three files:

- ``manifest.json``: detector, version, sizes of the network, featuriser, thresholds, SHA-256 and
  length of the other two, what the weights were trained on and how well they do. Its own SHA-256
  is the artefact's digest, so the digest covers weights, thresholds and featuriser together.
- ``weights.safetensors``: float32 tensors under the names that the network's sizes imply.
- ``golden.json``: texts and the logits that these weights must give for them.

Nothing in an artefact is ever run. Sizes are checked against limits and the files against their
digests before any tensor is allocated; the golden logits are checked by whoever makes an engine
(`check_golden`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from models.detectors import DETECTORS, Detector
from models.engines.contract import Engine
from models.errors import ArtefactError, EngineError
from models.features import Featuriser
from models.thresholds import Threshold, Thresholds
from models.url.architecture import CharacterConvolutions

FORMAT = 1
MANIFEST = "manifest.json"
WEIGHTS = "weights.safetensors"
GOLDEN = "golden.json"
LARGEST_MANIFEST = 1 << 20
# Largest difference to a golden logit. Engines add up some hundred thousand float32 products in
# different orders, which was seen to differ by 1e-5 at logits of 10.
GOLDEN_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """One trained model, verified.

    Attributes:
        detector: The row of the table that it is for.
        name: Of the model; its detector's unless trained under another.
        version: Of the model, a whole number from 1.
        digest: SHA-256 of the manifest, hexadecimal.
        sizes: Of the network.
        thresholds: That decide labels.
        tensors: Weights, float32, by name.
        golden: Texts and their logits.
        manifest: All that the manifest says.
    """

    detector: Detector
    name: str
    version: int
    digest: str
    sizes: CharacterConvolutions
    thresholds: Thresholds
    tensors: Mapping[str, NDArray[np.float32]]
    golden: Sequence[tuple[str, float]]
    manifest: Mapping[str, Any]

    def featuriser(self) -> Featuriser:
        """The featuriser that the weights were trained with."""
        return self.detector.featuriser(self.manifest["featuriser"])

    def engine(self, name: str) -> Engine:
        """An engine on these weights, checked against the golden logits.

        Raises:
            EngineError: unknown engine, one that cannot run here, or one that disagrees.
        """
        engine = self.detector.engine(name, self.sizes, self.tensors, self.manifest["featuriser"])
        self.check_golden(engine)
        return engine

    def check_golden(self, engine: Engine) -> None:
        """Let an engine judge the golden texts.

        Raises:
            EngineError: a logit differs by more than ``GOLDEN_TOLERANCE``.
        """
        texts = [text for text, _ in self.golden]
        expected = np.array([logit for _, logit in self.golden], np.float64)
        logits = engine.logits(self.featuriser()(texts)).astype(np.float64)
        differences = np.abs(logits - expected)
        if not np.all(differences <= GOLDEN_TOLERANCE):
            worst = int(np.argmax(np.nan_to_num(differences, nan=np.inf)))
            raise EngineError(
                f"engine '{engine.describe().engine}' gives logit {logits[worst]:.6f} for golden "
                f"text {worst} of {self.name} {self.version}, expected {expected[worst]:.6f}: "
                "the weights or this machine's arithmetic are not what they should be"
            )


def load(folder: Path) -> Artefact:
    """Read and verify an artefact.

    Raises:
        ArtefactError: anything about it is not as it should be; nothing was used.
    """
    raw = _read(folder / MANIFEST, LARGEST_MANIFEST)
    try:
        manifest = json.loads(raw)
        if manifest["format"] != FORMAT:
            raise ArtefactError(
                f"{folder}: format {manifest['format']!r} is unknown; this version reads {FORMAT}"
            )
        detector = DETECTORS.get(manifest["detector"])
        if detector is None:
            raise ArtefactError(f"{folder}: detector {manifest['detector']!r} is unknown")
        sizes = detector.sizes(manifest["network"])
        detector.featuriser(manifest["featuriser"])
        artefact = Artefact(
            detector=detector,
            name=str(manifest["name"]),
            version=int(manifest["version"]),
            digest=hashlib.sha256(raw).hexdigest(),
            sizes=sizes,
            thresholds=_thresholds(manifest["thresholds"]),
            tensors=_tensors(_checked(folder, WEIGHTS, manifest["files"]), sizes, folder),
            golden=[
                (str(row["text"]), float(row["logit"]))
                for row in json.loads(_checked(folder, GOLDEN, manifest["files"]))
            ],
            manifest=manifest,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArtefactError(
            f"{folder}: the manifest or the golden vectors cannot be read: {error!r}"
        ) from error
    if not artefact.golden:
        raise ArtefactError(f"{folder}: there are no golden vectors to check the weights by")
    return artefact


def save(
    folder: Path,
    *,
    detector: Detector,
    name: str,
    version: int,
    sizes: CharacterConvolutions,
    featuriser: Featuriser,
    thresholds: Thresholds,
    tensors: Mapping[str, NDArray[np.float32]],
    golden: Sequence[tuple[str, float]],
    history: Mapping[str, object],
) -> str:
    """Write an artefact; the manifest last, so that a folder half written is not one.

    Args:
        folder: To write to; must not hold an artefact yet.
        detector: The row of the table that it is for.
        name: Of the model.
        version: Of the model.
        sizes: Of the network.
        featuriser: That it was trained with.
        thresholds: That decide labels.
        tensors: Weights, float32.
        golden: Texts and their logits.
        history: What more the manifest says: data, metrics, versions of libraries.

    Returns:
        The artefact's digest.

    Raises:
        ArtefactError: the folder holds an artefact already, or the tensors do not fit the sizes.
    """
    refuse_to_overwrite(folder)
    shapes = {tensor: array.shape for tensor, array in tensors.items()}
    if shapes != sizes.shapes():
        raise ArtefactError(f"tensors {shapes} do not fit the network's sizes {sizes.shapes()}")
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        WEIGHTS: safetensors.numpy.save({k: np.ascontiguousarray(v) for k, v in tensors.items()}),
        GOLDEN: json.dumps(
            [{"text": text, "logit": logit} for text, logit in golden], indent=1
        ).encode(),
    }
    manifest = {
        "format": FORMAT,
        "detector": detector.name,
        "name": name,
        "version": version,
        "network": sizes.parameters,
        "featuriser": featuriser.parameters,
        "thresholds": asdict(thresholds),
        "files": {
            file: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for file, content in files.items()
        },
        **history,
    }
    raw = json.dumps(manifest, indent=1).encode() + b"\n"
    for file, content in files.items():
        (folder / file).write_bytes(content)
    (folder / MANIFEST).write_bytes(raw)
    return hashlib.sha256(raw).hexdigest()


def refuse_to_overwrite(folder: Path) -> None:
    """See that ``folder`` holds no artefact.

    Raises:
        ArtefactError: it does.
    """
    if (folder / MANIFEST).exists():
        raise ArtefactError(f"{folder} holds an artefact already; artefacts are never overwritten")


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise ArtefactError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise ArtefactError(f"{path} is longer than the {most} bytes it may have")
    return content


def _checked(folder: Path, file: str, files: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Content of a file whose length and digest are as the manifest says."""
    expected = files[file]
    content = _read(folder / file, int(expected["bytes"]))
    digest = hashlib.sha256(content).hexdigest()
    if len(content) != expected["bytes"] or digest != expected["sha256"]:
        raise ArtefactError(
            f"{folder / file} has {len(content)} bytes and SHA-256 {digest}, the manifest says "
            f"{expected['bytes']} and {expected['sha256']}: it was altered or half copied; "
            "fetch the artefact again"
        )
    return content


def _thresholds(given: Mapping[str, Mapping[str, float]]) -> Thresholds:
    thresholds = Thresholds(
        suspicious=Threshold(**given["suspicious"]), malicious=Threshold(**given["malicious"])
    )
    if not thresholds.suspicious.logit <= thresholds.malicious.logit:
        raise ArtefactError(f"thresholds {given!r}: 'suspicious' must not lie above 'malicious'")
    return thresholds


def _tensors(
    content: bytes, sizes: CharacterConvolutions, folder: Path
) -> dict[str, NDArray[np.float32]]:
    try:
        tensors = safetensors.numpy.load(content)
    except safetensors.SafetensorError as error:
        raise ArtefactError(f"{folder / WEIGHTS} is not a safetensors file: {error}") from error
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    if shapes != sizes.shapes():
        raise ArtefactError(
            f"{folder / WEIGHTS} holds tensors {shapes}, the network's sizes imply {sizes.shapes()}"
        )
    for name, tensor in tensors.items():
        if tensor.dtype != np.float32 or not np.isfinite(tensor).all():
            raise ArtefactError(f"{folder / WEIGHTS}: '{name}' is not all finite float32")
    return tensors
