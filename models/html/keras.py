"""Engine of the inspector network in Keras 3, on TensorFlow or JAX, on GPU or CPU.

Compiled graphs want few shapes: a batch is cut into a few fixed numbers of rows, the last of them
padded with empty pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.engines.contract import EngineDescription, EngineOptions
from models.engines.graph import Graph
from models.engines.pieces import cut, padding_on, reached
from models.html.architecture import InspectorSizes
from models.html.features import PageFeatures
from models.html.tokens import BINS, PIECES

# Counts of 256 pages take 16 MiB in float32, and half of it on their way to the device.
ROWS = (256, 64, 16, 4)


class PagesKerasEngine:
    """Evaluates the inspector network in Keras. Threads may share one.

    Args:
        sizes: The network's sizes.
        tensors: Its weights, float32.
        featuriser: As every engine is given it.
        options: Precision, and memory of a GPU.

    Raises:
        EngineError: Keras or its backend cannot be imported.
    """

    def __init__(
        self,
        sizes: InspectorSizes,
        tensors: Mapping[str, NDArray[np.float32]],
        featuriser: object = None,
        options: EngineOptions | None = None,
    ) -> None:
        del featuriser  # counts have one shape

        def build(device: str) -> tuple[Any, Mapping[str, NDArray[np.float32]]]:
            del device  # it is the same everywhere
            from models.html.network import build as network  # noqa: PLC0415

            return network(sizes), tensors

        self._graph = Graph(build, options or EngineOptions())

    def warm(self, rows: int) -> None:
        """Compile every shape that batches of up to ``rows`` pages are cut into."""
        sizes = reached(rows, ROWS, padding_on(self._graph.device))
        self._graph.warm([(size, PIECES, BINS) for size in sizes], np.uint16)

    def logits(self, features: PageFeatures) -> NDArray[np.float32]:
        """Logits float32[n]."""
        return self._graph.logits(self._pieces(features), len(features))

    def describe(self) -> EngineDescription:
        """Keras, its backend and device."""
        return self._graph.describe()

    def _pieces(
        self, features: PageFeatures
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint16]]]:
        """Rows, and their counts padded to one of the fixed numbers of rows."""
        first = 0
        for size in cut(len(features), ROWS, padding_on(self._graph.device)):
            rows = np.arange(first, min(len(features), first + size))
            counts = np.zeros((size, PIECES, BINS), np.uint16)
            counts[: len(rows)] = features.counts[first : first + len(rows)]
            yield rows, counts
            first += size
