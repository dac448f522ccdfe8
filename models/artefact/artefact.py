"""One trained model, verified, and the engines that run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibration
from models.detectors import Detector
from models.engines.choice import candidates
from models.engines.contract import TOLERANCE, Approximate, Engine, EngineOptions
from models.errors import EngineError, GoldenError
from models.features import Featuriser
from models.sizes import Sizes
from models.thresholds import Thresholds

# Largest difference to a golden logit, and so of any two exact engines.
GOLDEN_TOLERANCE = TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """One trained model, verified.

    Attributes:
        detector: The row of the table that it is for.
        name: Of the model; its detector's unless trained under another.
        version: Of the model, a whole number from 1.
        digest: SHA-256 of the manifest, hexadecimal.
        sizes: Of the network.
        calibration: What makes scores of logits.
        thresholds: That decide labels.
        tensors: Weights, float32, by name.
        golden: Subjects and their logits.
        manifest: All that the manifest says.
        signer: The id of the trusted key that vouches for it; None if nobody was asked for.
    """

    detector: Detector
    name: str
    version: int
    digest: str
    sizes: Sizes
    calibration: Calibration
    thresholds: Thresholds
    tensors: Mapping[str, NDArray[np.float32]]
    golden: Sequence[tuple[str | bytes, float]]
    manifest: Mapping[str, Any]
    signer: str | None = None

    def featuriser(self) -> Featuriser:
        """The featuriser that the weights were trained with."""
        return self.detector.featuriser(self.manifest["featuriser"])

    def engine(self, name: str, options: EngineOptions | None = None) -> Engine:
        """An engine on these weights, checked against the golden logits.

        Args:
            name: Of the engine, or ``auto`` for the fastest that passes here.
            options: How it is to compute.

        Raises:
            EngineError: unknown engine, one that cannot run here, or one that disagrees.
        """
        *others, last = candidates(name, self.detector.family.engines)
        for other in others:
            with suppress(EngineError):
                return self._checked_engine(other, options)
        return self._checked_engine(last, options)

    def unchecked_engine(self, name: str, options: EngineOptions | None = None) -> Engine:
        """An engine on these weights; for those who check it themselves.

        Args:
            name: Of the engine.
            options: How it is to compute; what follows from the artefact is filled in.

        Raises:
            EngineError: unknown engine, or one that cannot run here.
        """
        featuriser = self.featuriser()
        filled_in = replace(
            options or EngineOptions(),
            thresholds=(self.thresholds.suspicious.logit, self.thresholds.malicious.logit),
            known=featuriser([subject for subject, _ in self.golden]),
        )
        return self.detector.engine(name, self.sizes, self.tensors, featuriser, filled_in)

    def _checked_engine(self, name: str, options: EngineOptions | None) -> Engine:
        engine = self.unchecked_engine(name, options)
        self.check_golden(engine)
        return engine

    def check_golden(self, engine: Engine) -> float:
        """Let an engine judge the golden subjects.

        Returns:
            The largest difference to a golden logit.

        Raises:
            GoldenError: a logit differs by more than the engine may be off, or one of what the
                engine falls back on where it has to be exact.
        """
        if isinstance(engine, Approximate):
            self.check_golden(engine.exact)
        description = engine.describe()
        subjects = [subject for subject, _ in self.golden]
        expected = np.array([logit for _, logit in self.golden], np.float64)
        logits = engine.logits(self.featuriser()(subjects)).astype(np.float64)
        differences = np.abs(logits - expected)
        # Not a number is the largest difference of all.
        worst = int(np.argmax(np.nan_to_num(differences, nan=np.inf)))
        if not differences[worst] <= description.tolerance:
            raise GoldenError(
                f"engine '{description.engine}' gives logit {logits[worst]:.6f} for golden "
                f"subject {worst} of {self.name} {self.version}, expected {expected[worst]:.6f}: "
                "the weights or this machine's arithmetic are not what they should be"
            )
        return float(differences[worst])
