"""Engine in compiled loops and numpy: convolutions as table sums, then dense layers.

Needs no TensorFlow, and starts in a fraction of a second, which is what `weir score` wants.
"""

from __future__ import annotations

from collections.abc import Mapping

import numba
import numpy as np
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.characters.codes import CharacterCodes
from models.characters.dense import DenseLayers
from models.characters.sums import PooledSums
from models.engines.contract import EngineDescription


class TablesEngine:
    """Evaluates the character network by table sums.

    Args:
        sizes: The network's sizes.
        tensors: Its weights, float32.
        featuriser: As every engine is given it.
    """

    def __init__(
        self,
        sizes: CharacterConvolutions,
        tensors: Mapping[str, NDArray[np.float32]],
        featuriser: object = None,
    ) -> None:
        del featuriser  # texts of any width will do
        self._tables = PooledSums(sizes, tensors)
        self._dense = DenseLayers(sizes, tensors)

    def warm(self, rows: int) -> None:
        """Compiled with the first logits: golden vectors see to that."""

    def logits(self, features: CharacterCodes) -> NDArray[np.float32]:
        """Logits float32[n]."""
        return self._dense.logits(self._tables.pooled(features))

    def describe(self) -> EngineDescription:
        """On the CPU, in numba and numpy."""
        return EngineDescription(
            engine="tables",
            device="cpu",
            library=f"numba {numba.__version__}, numpy {np.__version__}",
        )
