"""Engine in compiled loops: convolutions as table sums, then dense layers in onnxruntime.

Needs no TensorFlow, and starts in a fraction of a second, which is what `weir score` wants.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.characters.codes import CharacterCodes
from models.characters.gram_sums import GramSums
from models.characters.layout import TableSums, tables_of
from models.engines.contract import EngineDescription, EngineOptions
from models.engines.crew import Crew, threads_for
from models.engines.products import FloatLayers, version

Array = NDArray[np.float32]

# Sums of so many texts are 1 MiB, and stay in the cache from one step to the next.
ROWS_AT_ONCE: Final = 256


class TablesEngine:
    """Evaluates the character network by table sums, in float32.

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
        sizes: CharacterConvolutions,
        tensors: Mapping[str, Array],
        featuriser: object = None,
        options: EngineOptions | None = None,
    ) -> None:
        del featuriser  # texts of any width will do
        self._crew = Crew(threads_for((options or EngineOptions()).threads))
        self.layers = TableLayers(sizes, tensors)
        """What each of the threads computes by."""

    def warm(self, rows: int) -> None:
        """Compiled with the first logits: golden vectors see to that."""

    def logits(self, features: CharacterCodes) -> Array:
        """Logits float32[n]."""
        return self._crew.gather(self.layers.logits, features, ROWS_AT_ONCE)

    def describe(self) -> EngineDescription:
        """On the CPU, in numba and onnxruntime."""
        return EngineDescription(
            engine="tables",
            device="cpu",
            library=f"float32, {self._crew.threads} threads, {libraries()}",
        )


class TableLayers:
    """The network of one set of weights in float32; may be used by several threads.

    Args:
        sizes: The network's sizes.
        tensors: Its weights, float32.

    Raises:
        EngineError: onnxruntime cannot run here.
    """

    def __init__(self, sizes: CharacterConvolutions, tensors: Mapping[str, Array]) -> None:
        self.tables = tables_of(sizes, tensors)
        """As they are before they are laid out."""
        self._sums = TableSums(sizes, self.tables, short=False)
        self.grams = grams_of(sizes, tensors)
        """Sums over n-grams, which other layers may use as well; None for none."""
        kernels, biases = dense_of(sizes, tensors)
        self._dense = FloatLayers([laid_out(kernels[0], self._sums), *kernels[1:]], biases)

    def logits(self, features: CharacterCodes) -> Array:
        """Logits float32[n], computed in the thread that asks."""
        if self.grams is None:
            return self._dense(self._sums(features))
        sums = self._sums(features, self.grams.units)
        sums[:, self._sums.columns :] = self.grams(features)
        return self._dense(sums)


def grams_of(sizes: CharacterConvolutions, tensors: Mapping[str, Array]) -> GramSums | None:
    """Sums over n-grams, where the network has some."""
    return GramSums(sizes, tensors["grams/vectors"]) if sizes.gram_buckets else None


def dense_of(
    sizes: CharacterConvolutions, tensors: Mapping[str, Array]
) -> tuple[list[Array], list[Array]]:
    """Kernels and biases of all layers and of the unit on top."""
    names = [f"dense_{number}" for number in range(1, len(sizes.dense) + 1)] + ["logit"]
    return (
        [tensors[f"{name}/kernel"] for name in names],
        [tensors[f"{name}/bias"] for name in names],
    )


def laid_out(kernel: Array, sums: TableSums) -> Array:
    """The first layer's kernel for sums as they are laid out, and n-grams behind them."""
    filters = len(sums.of_filters)
    rows = np.zeros((sums.columns, kernel.shape[1]), np.float32)
    rows[sums.of_filters] = kernel[:filters] * sums.units[sums.of_filters, None].astype(np.float32)
    return np.concatenate([rows, kernel[filters:]])


def libraries() -> str:
    """What computes, with versions."""
    return f"numba {numba.__version__}, onnxruntime {version()}, numpy {np.__version__}"
