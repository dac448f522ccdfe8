"""Small artefacts to work with: one that knows a bad word in pages, one of chance for paths."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt
from pathlib import Path

import numpy as np

from models import artefact
from models.calibration import Calibration
from models.characters.architecture import CharacterConvolutions
from models.detectors import HTML, PATH, Detector, Tensors
from models.features import Featuriser
from models.html.architecture import InspectorSizes
from models.html.featuriser import PageFeaturiser
from models.path.featuriser import PathFeaturiser
from models.sizes import Sizes
from models.thresholds import Threshold, Thresholds
from tests.models.html.reference import bin_of

BAD_WORD = b"keylogger"
CALIBRATION = Calibration(scale=2.0, offset=-1.0, prior=0.01)


def save_pages(folder: Path) -> Path:
    """A model that calls pages malicious that say `BAD_WORD`, and no others."""
    sizes = InspectorSizes(inspector=(4,), master=())
    tensors = {name: np.zeros(shape, np.float32) for name, shape in sizes.shapes().items()}
    tensors["inspector_1/kernel"][bin_of(BAD_WORD), 0] = 1
    # Normalisation shows only how units stand to each other.
    tensors["inspector_1/bias"][1] = 0.5
    tensors["inspector_1_norm/gamma"][:] = 1
    tensors["logit/kernel"][0] = 3
    pages = [b"", b"<p>plain</p>", b"<p>" + BAD_WORD + b"</p>"]
    return _save(folder, HTML, sizes, PageFeaturiser(), tensors, pages)


def save_paths(folder: Path) -> Path:
    """A model of chance weights, of about the size that keeps activations about 1."""
    featuriser = PathFeaturiser(width=120)
    alphabet = int(featuriser.parameters["alphabet"])
    sizes = CharacterConvolutions(alphabet=alphabet, embedding=6, filters=8, dense=(12, 10))
    chance = np.random.default_rng(7)
    tensors = {
        name: (chance.standard_normal(shape) / sqrt(max(1, prod(shape[:-1])))).astype(np.float32)
        for name, shape in sizes.shapes().items()
    }
    paths = ["C:\\Windows\\notepad.exe", "HKLM\\Software\\Run"]
    return _save(folder, PATH, sizes, featuriser, tensors, paths)


def _save(
    folder: Path,
    detector: Detector,
    sizes: Sizes,
    featuriser: Featuriser,
    tensors: Tensors,
    subjects: Sequence[str | bytes],
) -> Path:
    engine = detector.engine("tables", sizes, tensors, featuriser)
    logits = engine.logits(featuriser(subjects)).tolist()
    artefact.save(
        folder,
        detector=detector,
        name=detector.name,
        version=7,
        sizes=sizes,
        featuriser=featuriser,
        calibration=CALIBRATION,
        thresholds=Thresholds(
            suspicious=Threshold(logit=0.5, false_positive_rate=0.01),
            malicious=Threshold(logit=1.5, false_positive_rate=0.001),
        ),
        tensors=tensors,
        golden=list(zip(subjects, logits, strict=True)),
        history={"created_at": "2026-01-02T03:04:05+00:00"},
    )
    return folder
