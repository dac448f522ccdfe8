"""Writes an artefact, the manifest last."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import safetensors.numpy

from models.artefact.manifest import (
    FORMAT,
    GOLDEN,
    KEYS,
    MANIFEST,
    MOST_GOLDEN,
    WEIGHTS,
    parse,
)
from models.artefact.precision import PRECISIONS, Stored, layout, precision_of
from models.calibration import Calibration
from models.detectors import Detector
from models.errors import ArtefactError
from models.features import Featuriser
from models.sizes import Sizes
from models.thresholds import Thresholds


def save(
    folder: Path,
    *,
    detector: Detector,
    name: str,
    version: int,
    sizes: Sizes,
    featuriser: Featuriser,
    calibration: Calibration,
    thresholds: Thresholds,
    tensors: Stored,
    golden: Sequence[tuple[str | bytes, float]],
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
        calibration: What makes scores of logits.
        thresholds: That decide labels.
        tensors: Weights as they are stored (`models.artefact.precision`).
        golden: Subjects and their logits, as the stored weights give them.
        history: What more the manifest says: data, metrics, versions of libraries.

    Returns:
        The artefact's digest.

    Raises:
        ArtefactError: the folder holds an artefact already, or what was given would not load.
    """
    refuse_to_overwrite(folder)
    precision = _check(detector, sizes, tensors, golden, history)
    files = {
        WEIGHTS: safetensors.numpy.save({k: np.ascontiguousarray(v) for k, v in tensors.items()}),
        GOLDEN: _json([_golden(subject, logit) for subject, logit in golden]),
    }
    raw = _json(
        {
            "format": FORMAT,
            "detector": detector.name,
            "name": name,
            "version": version,
            "network": sizes.parameters,
            "precision": precision,
            "featuriser": featuriser.parameters,
            "calibration": calibration.as_json(),
            "thresholds": asdict(thresholds),
            "files": {
                file: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                for file, content in files.items()
            },
            **history,
        }
    )
    digest = parse(raw).digest
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in (*files.items(), (MANIFEST, raw)):
        write_file(folder / file, content)
    return digest


def refuse_to_overwrite(folder: Path) -> None:
    """See that ``folder`` holds no artefact.

    Raises:
        ArtefactError: it does.
    """
    if os.path.lexists(folder / MANIFEST):
        raise ArtefactError(f"{folder} holds an artefact already; artefacts are never overwritten")


def _check(
    detector: Detector,
    sizes: Sizes,
    tensors: Stored,
    golden: Sequence[tuple[str | bytes, float]],
    history: Mapping[str, object],
) -> str:
    """See that what was given would load; return the precision of the weights."""
    precision = precision_of(tensors)
    if precision is None:
        found = sorted({str(array.dtype) for array in tensors.values()})
        raise ArtefactError(f"tensors are {found}, expected one of {', '.join(PRECISIONS)}")
    shapes = {tensor: array.shape for tensor, array in tensors.items()}
    expected = {
        name: shape for name, (_, shape) in layout(sizes.shapes(), precision, sizes.tables).items()
    }
    if shapes != expected:
        raise ArtefactError(f"tensors {shapes} do not fit the network's sizes {expected}")
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise ArtefactError(f"tensor '{name}' is not all finite")
    if not 1 <= len(golden) <= MOST_GOLDEN or not np.isfinite([logit for _, logit in golden]).all():
        raise ArtefactError(f"golden subjects need finite logits, and must be 1 to {MOST_GOLDEN}")
    kind = str if detector.subject == "text" else bytes
    if not all(isinstance(subject, kind) for subject, _ in golden):
        raise ArtefactError(f"golden subjects of '{detector.name}' must be {kind.__name__}")
    if taken := KEYS & set(history):
        raise ArtefactError(f"history may not set {', '.join(sorted(taken))}")
    return precision


def _golden(subject: str | bytes, logit: float) -> dict[str, str | float]:
    if isinstance(subject, bytes):
        return {"page": base64.b64encode(subject).decode(), "logit": logit}
    return {"text": subject, "logit": logit}


def _json(content: object) -> bytes:
    try:
        return json.dumps(content, indent=1, allow_nan=False).encode() + b"\n"
    except ValueError as error:
        raise ArtefactError(f"cannot be written as JSON: {error}") from error


def write_file(path: Path, content: bytes) -> None:
    """Write in one step: what stood there, a link included, is replaced, not written through."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with part.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
