"""A trained network as it will be stored, before there is an artefact of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.artefact import Artefact
from models.artefact.precision import Stored, computed, narrowed
from models.detectors import Detector
from models.engines.contract import Engine
from models.features import Featuriser
from models.sizes import Sizes
from models.training.evaluation import score


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Weights, rounded as they are stored, on the engine without TensorFlow.

    All figures are of these weights, not of those that they were rounded from.

    Attributes:
        detector: The row of the table.
        sizes: Of the network.
        featuriser: What it sees.
        tensors: Weights as stored, by name.
        engine: Evaluates them.
    """

    detector: Detector
    sizes: Sizes
    featuriser: Featuriser
    tensors: Stored
    engine: Engine

    @classmethod
    def of_artefact(cls, artefact: Artefact) -> Candidate:
        """The network of an artefact, as it is stored."""
        featuriser = artefact.featuriser()
        return cls(
            detector=artefact.detector,
            sizes=artefact.sizes,
            featuriser=featuriser,
            tensors=artefact.tensors,
            engine=artefact.engine("tables"),
        )

    @classmethod
    def of(
        cls,
        detector: Detector,
        sizes: Sizes,
        featuriser: Featuriser,
        tensors: Mapping[str, NDArray[np.float32]],
    ) -> Candidate:
        """Round weights as they will be stored."""
        stored = narrowed(tensors, sizes.tables)
        return cls(
            detector=detector,
            sizes=sizes,
            featuriser=featuriser,
            tensors=stored,
            engine=detector.engine("tables", sizes, computed(stored), featuriser),
        )

    def logits(self, subjects: Sequence[Any]) -> NDArray[np.float32]:
        """Logits float32[n] of n subjects.

        Raises:
            LogitError: a logit is not a number.
        """
        return score(self.engine, self.featuriser, subjects)
