"""Engine of the inspector network in Keras 3, on TensorFlow or JAX, on GPU or CPU.

Compiled graphs want few shapes: a batch is cut into a few fixed numbers of rows, the last of them
padded with empty pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from models.backend import load_keras
from models.engines.contract import EngineDescription
from models.engines.graph import compiled
from models.errors import EngineError
from models.html.architecture import InspectorSizes
from models.html.features import PageFeatures
from models.html.tokens import BINS, PIECES

# Counts of 256 pages take 16 MiB in float32. Cut greedily; the last cut is padded, by at most 3
# pages or the step to the next size.
ROWS = (256, 64, 16, 4)


class PagesKerasEngine:
    """Evaluates the inspector network in Keras.

    Args:
        sizes: The network's sizes.
        tensors: Its weights, float32.
        featuriser: As every engine is given it.

    Raises:
        EngineError: Keras or its backend cannot be imported.
    """

    def __init__(
        self,
        sizes: InspectorSizes,
        tensors: Mapping[str, NDArray[np.float32]],
        featuriser: object = None,
    ) -> None:
        del featuriser  # counts have one shape
        try:
            # Seconds of import, only for those who score with it.
            keras = load_keras()
            from models.html.network import build  # noqa: PLC0415
        except ImportError as error:
            raise EngineError(f"engine 'keras' cannot start: {error}") from error
        network = build(sizes)
        for variable in network.weights:
            variable.assign(tensors[variable.path])
        backend = keras.backend.backend()
        self._library = f"keras {keras.__version__} on {backend}"
        self._evaluate, self._device = compiled(network, backend)

    def warm(self, rows: int) -> None:
        """Compile every shape that batches of up to ``rows`` pages are cut into."""
        for size in {_size(count) for count in (*[r for r in ROWS if r <= rows], rows)}:
            self._evaluate(np.zeros((size, PIECES, BINS), np.float32))

    def logits(self, features: PageFeatures) -> NDArray[np.float32]:
        """Logits float32[n]."""
        logits = np.empty(len(features), np.float32)
        # All cuts are started before the first is awaited: on a GPU they overlap.
        started = [(rows, self._evaluate(counts)) for rows, counts in _cuts(features)]
        for rows, result in started:
            logits[rows] = np.asarray(result)[: rows.stop - rows.start, 0]
        return logits

    def describe(self) -> EngineDescription:
        """Keras, its backend and device."""
        return EngineDescription(engine="keras", device=self._device, library=self._library)


def _cuts(features: PageFeatures) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Rows, and their counts padded to one of the fixed numbers of rows."""
    first = 0
    while first < len(features):
        size = _size(len(features) - first)
        rows = slice(first, min(len(features), first + size))
        counts = np.zeros((size, PIECES, BINS), np.float32)
        counts[: rows.stop - first] = features.counts[rows]
        yield rows, counts
        first = rows.stop


def _size(rows: int) -> int:
    """The largest fixed size not above ``rows``, else the smallest."""
    return next((size for size in ROWS if size <= rows), ROWS[-1])
