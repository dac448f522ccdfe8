"""Engine of the inspector network in compiled loops and onnxruntime. Needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.engines.contract import EngineDescription, EngineOptions
from models.engines.crew import Crew, threads_for
from models.engines.products import FloatLayers, FloatProduct
from models.engines.tables import libraries
from models.html import loops
from models.html.architecture import EPSILON, InspectorSizes
from models.html.features import PageFeatures
from models.html.scaling import SCALED
from models.html.tokens import PIECES
from models.html.windows import WINDOWS

Array = NDArray[np.float32]

# Answers of 256 units to the windows of 16 pages are half a MiB.
PAGES_AT_ONCE: Final = 16


class PagesTablesEngine:
    """Evaluates the inspector network by sums of rows and matrix products, in float32.

    Args:
        sizes: The network's sizes.
        tensors: Its weights, float32.
        featuriser: As every engine is given it.
        options: How many threads.

    Raises:
        EngineError: onnxruntime cannot run here.
    """

    def __init__(
        self,
        sizes: InspectorSizes,
        tensors: Mapping[str, Array],
        featuriser: object = None,
        options: EngineOptions | None = None,
    ) -> None:
        del featuriser  # counts have one shape
        self._crew = Crew(threads_for((options or EngineOptions()).threads))
        self._layers = [
            _Layer(tensors, number, units) for number, units in enumerate(sizes.inspector, start=1)
        ]
        first, *further = self._layers
        self._kernel = np.pad(first.kernel, ((0, 0), (0, first.units - first.kernel.shape[1])))
        self._products = [
            FloatProduct(_padded(layer.kernel, before.units, layer.units))
            for before, layer in zip(self._layers[:-1], further, strict=True)
        ]
        names = [f"master_{number}" for number in range(1, len(sizes.master) + 1)] + ["logit"]
        kernels = [tensors[f"{name}/kernel"] for name in names]
        kernels[0] = _padded(kernels[0], self._layers[-1].units, kernels[0].shape[1])
        self._master = FloatLayers(kernels, [tensors[f"{name}/bias"] for name in names])

    def warm(self, rows: int) -> None:
        """Compiled with the first logits: golden vectors see to that."""

    def logits(self, features: PageFeatures) -> Array:
        """Logits float32[n]."""
        return self._crew.gather(self._logits, features, PAGES_AT_ONCE)

    def describe(self) -> EngineDescription:
        """On the CPU, in numba and onnxruntime."""
        return EngineDescription(
            engine="tables",
            device="cpu",
            library=f"float32, {self._crew.threads} threads, {libraries()}",
        )

    def _logits(self, features: PageFeatures) -> Array:
        pages, first = len(features), self._layers[0]
        pieces = np.empty(pages * PIECES * first.units, np.float32)
        counts = np.ascontiguousarray(features.counts).reshape(-1)
        loops.sum_pieces(counts, SCALED, self._kernel.reshape(-1), first.units, pieces)
        hidden = np.empty((pages * len(WINDOWS), first.units), np.float32)
        loops.average(pieces, first.units, hidden.reshape(-1))
        first.normalise(hidden)
        for product, layer in zip(self._products, self._layers[1:], strict=True):
            hidden = product(hidden)
            layer.normalise(hidden)
        maxima = np.empty((pages, hidden.shape[1]), np.float32)
        loops.highest(hidden.reshape(-1), hidden.shape[1], maxima.reshape(-1))
        return self._master(maxima)


class _Layer:
    """One layer of the inspector; its units are padded to whole blocks, with such as give 0."""

    def __init__(self, tensors: Mapping[str, Array], number: int, units: int) -> None:
        name = f"inspector_{number}"
        self._real_units = units
        self.units = -(-units // loops.BLOCK) * loops.BLOCK
        self.kernel = tensors[f"{name}/kernel"]
        self._bias, self._gamma, self._beta = (
            np.pad(tensors[f"{name}{of}"], (0, self.units - units))
            for of in ("/bias", "_norm/gamma", "_norm/beta")
        )

    def normalise(self, rows: Array) -> None:
        """Bias, normalisation and ReLU of float32[rows, units], in place."""
        loops.normalise(
            rows.reshape(-1), self._bias, self._gamma, self._beta, self._real_units, EPSILON
        )


def _padded(kernel: Array, rows: int, columns: int) -> Array:
    return np.pad(kernel, ((0, rows - kernel.shape[0]), (0, columns - kernel.shape[1])))
