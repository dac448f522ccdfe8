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
from models.html.architecture import InspectorSizes
from models.html.features import PageFeatures
from models.html.tokens import BINS, PIECES

# Counts of 256 pages take 16 MiB in float32, and half of it on their way to the device. Cut
# greedily; the last cut is padded, by at most 3 pages or the step to the next size.
ROWS = (256, 64, 16, 4)


class PagesKerasEngine:
    """Evaluates the inspector network in Keras.

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

        def build() -> Any:
            from models.html.network import build as network  # noqa: PLC0415

            return network(sizes)

        self._graph = Graph(build, tensors, options or EngineOptions())

    def warm(self, rows: int) -> None:
        """Compile every shape that batches of up to ``rows`` pages are cut into."""
        for size in {_size(count) for count in (*[r for r in ROWS if r <= rows], rows)}:
            self._graph.warm((size, PIECES, BINS), np.uint16)

    def logits(self, features: PageFeatures) -> NDArray[np.float32]:
        """Logits float32[n]."""
        return self._graph.logits(_cuts(features), len(features))

    def describe(self) -> EngineDescription:
        """Keras, its backend and device."""
        return self._graph.describe()


def _cuts(features: PageFeatures) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint16]]]:
    """Rows, and their counts padded to one of the fixed numbers of rows."""
    first = 0
    while first < len(features):
        size = _size(len(features) - first)
        rows = np.arange(first, min(len(features), first + size))
        counts = np.zeros((size, PIECES, BINS), np.uint16)
        counts[: len(rows)] = features.counts[rows[0] : rows[-1] + 1]
        yield rows, counts
        first += size


def _size(rows: int) -> int:
    """The largest fixed size not above ``rows``, else the smallest."""
    return next((size for size in ROWS if size <= rows), ROWS[-1])
