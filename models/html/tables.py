"""Engine of the inspector network in numpy. Needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.engines.contract import EngineDescription, EngineOptions
from models.html.architecture import InspectorSizes
from models.html.dense import InspectorLayers
from models.html.features import PageFeatures
from models.html.scaling import scaled

# Scaled counts of 16 pages are 1 MiB in float32, and so is what each layer makes of them.
CHUNK = 16


class PagesTablesEngine:
    """Evaluates the inspector network by matrix products.

    Args:
        sizes: The network's sizes.
        tensors: Its weights, float32.
        featuriser: As every engine is given it.
    """

    def __init__(
        self,
        sizes: InspectorSizes,
        tensors: Mapping[str, NDArray[np.float32]],
        featuriser: object = None,
        options: EngineOptions | None = None,
    ) -> None:
        del featuriser, options  # counts have one shape
        self._layers = InspectorLayers(sizes, tensors)

    def warm(self, rows: int) -> None:
        """Nothing is compiled."""

    def logits(self, features: PageFeatures) -> NDArray[np.float32]:
        """Logits float32[n]."""
        highest = [
            self._layers.inspect(scaled(features.counts[start : start + CHUNK])).answers.max(axis=1)
            for start in range(0, len(features), CHUNK)
        ]
        if not highest:
            return np.empty(0, np.float32)
        return self._layers.judge(np.concatenate(highest))

    def describe(self) -> EngineDescription:
        """On the CPU, in numpy."""
        return EngineDescription(engine="tables", device="cpu", library=f"numpy {np.__version__}")
