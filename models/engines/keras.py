"""Engine in Keras 3, on TensorFlow (default) or JAX, on GPU or CPU.

Compiled graphs want few shapes, so a batch is sorted by length, cut into pieces of a few fixed
widths and numbers of rows, and padded to them: each shape is compiled once, in `warm`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.characters.codes import CharacterCodes
from models.engines.contract import EngineDescription, EngineOptions
from models.engines.graph import Graph

# Measured URLs have a median of 47 characters and three quarters are under 75.
WIDTHS = (48, 96)
# A batch is cut greedily into these; the last piece is padded, by at most 15 rows of waste or
# the step to the next size.
ROWS = (1024, 256, 64, 16)


class FixedWidth(Protocol):
    """A featuriser that gives codes of a fixed width."""

    @property
    def width(self) -> int:
        """Codes of a text at most."""
        ...


class KerasEngine:
    """Evaluates the character network in Keras.

    Args:
        sizes: The network's sizes.
        tensors: Its weights, float32.
        featuriser: Tells how many codes of a text there are at most.
        options: Precision, and memory of a GPU.

    Raises:
        EngineError: Keras or its backend cannot be imported.
    """

    def __init__(
        self,
        sizes: CharacterConvolutions,
        tensors: Mapping[str, NDArray[np.float32]],
        featuriser: FixedWidth,
        options: EngineOptions | None = None,
    ) -> None:
        def build() -> Any:
            from models.characters.network import build as network  # noqa: PLC0415

            return network(sizes)

        width = featuriser.width
        self._widths = (*[w for w in WIDTHS if w < width], width)
        self._graph = Graph(build, tensors, options or EngineOptions())

    def warm(self, rows: int) -> None:
        """Compile every shape that batches of up to ``rows`` texts are cut into."""
        for width in self._widths:
            for size in {_size(count) for count in (*[r for r in ROWS if r <= rows], rows)}:
                self._graph.warm((size, width), np.uint8)

    def logits(self, features: CharacterCodes) -> NDArray[np.float32]:
        """Logits float32[n]."""
        return self._graph.logits(self._pieces(features), len(features))

    def describe(self) -> EngineDescription:
        """Keras, its backend and device."""
        return self._graph.describe()

    def _pieces(
        self, features: CharacterCodes
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
        """Rows, and their codes padded to one of the fixed shapes."""
        order = np.argsort(features.seen, kind="stable")
        bounds = np.searchsorted(features.seen[order], self._widths, side="right")
        first = 0
        for width, last in zip(self._widths, bounds, strict=True):
            while first < last:
                size = _size(int(last) - first)
                rows = order[first : min(int(last), first + size)]
                codes = np.zeros((size, width), np.uint8)
                codes[: len(rows)] = features.codes[rows, :width]
                yield rows, codes
                first += len(rows)


def _size(rows: int) -> int:
    """The largest fixed size not above ``rows``, else the smallest."""
    return next((size for size in ROWS if size <= rows), ROWS[-1])
