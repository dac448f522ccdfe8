"""Engine in Keras 3, on TensorFlow (default) or JAX, on GPU or CPU.

Compiled graphs want few shapes, so a batch is sorted by length, cut into pieces of a few fixed
widths and numbers of rows, and padded to them: each shape is compiled once, in `warm`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.characters.codes import CharacterCodes
from models.engines.contract import EngineDescription, EngineOptions
from models.engines.graph import Graph
from models.engines.pieces import cut, padding_on, reached

# Measured URLs have a median of 47 characters and three quarters are under 75.
WIDTHS = (48, 96)
# Of pieces on a CPU, which keeps what a few hundred rows need in its caches.
ROWS = (1024, 256, 64, 16)
# On a GPU, characters of the largest piece, whatever its width: the network of the talk needs some
# 4 KiB for each while it computes, 2 GiB in all. Then there is work for all of a large card for
# some milliseconds, against a fraction of one to start it.
_CELLS_ON_A_GPU: Final = 2**19
_STEP_ON_A_GPU: Final = 4


class FixedWidth(Protocol):
    """A featuriser that gives codes of a fixed width."""

    @property
    def width(self) -> int:
        """Codes of a text at most."""
        ...


class KerasEngine:
    """Evaluates the character network in Keras. Threads may share one.

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
        options = options or EngineOptions()

        def build(device: str) -> tuple[Any, Mapping[str, NDArray[np.float32]]]:
            from models.characters import card_sums, network  # noqa: PLC0415

            if device == "cpu":
                return network.build(sizes), tensors
            return (
                network.build(sizes, card_sums.looked_up),
                {**tensors, **card_sums.tables(sizes, tensors)},
            )

        width = featuriser.width
        self._widths = (*[w for w in WIDTHS if w < width], width)
        self._graph = Graph(build, options)
        self._sizes = {width: sizes_on(self._graph.device, width) for width in self._widths}
        self._padding = padding_on(self._graph.device)

    def warm(self, rows: int) -> None:
        """Compile every shape that batches of up to ``rows`` texts are cut into."""
        shapes = [
            (size, width)
            for width in self._widths
            for size in reached(rows, self._sizes[width], self._padding)
        ]
        self._graph.warm(shapes, np.uint8)

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
        # A batch has few widths, and bytes are sorted by counting them.
        of_row = np.searchsorted(self._widths, features.seen).astype(np.uint8)
        order = np.argsort(of_row, kind="stable")
        bounds = np.bincount(of_row, minlength=len(self._widths)).cumsum()
        first = 0
        for width, last in zip(self._widths, bounds.tolist(), strict=True):
            for size in cut(last - first, self._sizes[width], self._padding):
                rows = order[first : min(last, first + size)]
                codes = np.zeros((size, width), np.uint8)
                codes[: len(rows)] = features.codes[rows, :width]
                yield rows, codes
                first += len(rows)


def sizes_on(device: str, width: int) -> tuple[int, ...]:
    """Rows of the pieces of one width on a device, the largest first."""
    if device == "cpu":
        return ROWS
    largest = 2 ** (max(ROWS[-1], _CELLS_ON_A_GPU // width).bit_length() - 1)
    sizes = [largest]
    while sizes[-1] // _STEP_ON_A_GPU >= ROWS[-1]:
        sizes.append(sizes[-1] // _STEP_ON_A_GPU)
    return tuple(sizes)
