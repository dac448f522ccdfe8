"""Further versions of the bundled model of URLs, in a registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from models import artefact
from models.artefact import Artefact
from models.artefact.precision import computed, narrowed
from models.registry import Registry
from models.registry.promoting import name_candidate, promote
from workers.judge import Judge
from workers.settings.policies import EvidencePolicy


class Shelf:
    """A registry of versions made of one artefact.

    Args:
        folder: Of the registry.
        like: The artefact.
    """

    def __init__(self, folder: Path, like: Artefact) -> None:
        self.folder = folder
        self._like = like
        self.registry = Registry(folder)

    def add(
        self, version: int, shift: float = 0.0, history: Mapping[str, Any] | None = None
    ) -> Path:
        """A version whose logits lie by ``shift`` above those of the artefact."""
        return save_shifted(self.folder / "url" / str(version), self._like, version, shift, history)

    def promote(self, version: int) -> None:
        promote(self.registry, "url", version)

    def try_out(self, version: int | None) -> None:
        name_candidate(self.registry, "url", version)


def save_shifted(
    folder: Path,
    like: Artefact,
    version: int,
    shift: float,
    history: Mapping[str, Any] | None = None,
) -> Path:
    tensors = {**like.tensors, "logit/bias": like.tensors["logit/bias"] + np.float32(shift)}
    stored = narrowed(tensors, like.sizes.tables)
    featuriser = like.featuriser()
    subjects = [subject for subject, _ in like.golden][:4]
    engine = like.detector.engine("tables", like.sizes, computed(stored), featuriser)
    logits = engine.logits(featuriser(subjects)).tolist()
    artefact.save(
        folder,
        detector=like.detector,
        name=like.name,
        version=version,
        sizes=like.sizes,
        featuriser=featuriser,
        calibration=like.calibration,
        thresholds=like.thresholds,
        tensors=stored,
        golden=list(zip(subjects, logits, strict=True)),
        history=history or {},
    )
    return folder


def shifted(like: Artefact, shift: float) -> Artefact:
    """The same artefact under another digest, its logits moved; its golden logits are not."""
    tensors = {**like.tensors, "logit/bias": like.tensors["logit/bias"] + np.float32(shift)}
    return replace(like, tensors=tensors, digest=like.digest[::-1], version=like.version + 1)


def judge_of(model: Artefact) -> Judge:
    return Judge(model, model.unchecked_engine("tables"), EvidencePolicy())
