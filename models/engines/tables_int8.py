"""Engine in narrow whole numbers: table sums in int16, dense layers in int8. The fastest on a CPU.

Its logits are off by some hundredths (`models.characters.byte_layers`); labels are not: where a
logit comes so near to a threshold that the error might decide, the row is computed once more in
float32, as engine `tables` does. How near that is follows from the row's own doubt, and from the
artefact's golden subjects, which both ways are tried on; it is some rows in a hundred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.characters.byte_layers import ByteLayers
from models.characters.codes import CharacterCodes
from models.characters.layout import TableSums
from models.characters.sides import Sides, octets_of
from models.engines.contract import EngineDescription, EngineOptions
from models.engines.crew import Crew, threads_for
from models.engines.tables import (
    ROWS_AT_ONCE,
    TableLayers,
    TablesEngine,
    dense_of,
    laid_out,
    libraries,
)

Array = NDArray[np.float32]

LARGEST_DIFFERENCE: Final = 0.5
"""Between a logit and its golden one: more, and few rows would be left to compute in int8."""
# Times the root of the mean square of the golden subjects' errors, each by its doubt: over the test
# splits the largest error was a third of this.
_MARGIN: Final = 16.0
# Golden subjects are few, and might be off by next to nothing by chance.
_LEAST_MARGIN: Final = 0.05
_NO_GRAMS: Final = np.zeros((0, 0), np.float32)


class TablesInt8Engine:
    """Evaluates the character network by table sums, in whole numbers.

    Args:
        sizes: The network's sizes.
        tensors: Its weights, float32.
        featuriser: As every engine is given it.
        options: How many threads; the thresholds, and features to find the error by.

    Raises:
        EngineError: onnxruntime cannot run here, or weights are no finite numbers.
    """

    def __init__(
        self,
        sizes: CharacterConvolutions,
        tensors: Mapping[str, Array],
        featuriser: object = None,
        options: EngineOptions | None = None,
    ) -> None:
        del featuriser  # texts of any width will do
        options = options or EngineOptions()
        self._crew = Crew(threads_for(options.threads))
        self.exact = TablesEngine(sizes, tensors, options=options)
        """Computes what may not be off, in float32."""
        self._narrow = _NarrowLayers(sizes, tensors, self.exact.layers) if sizes.dense else None
        self._octets = octets_of(sizes.dense)
        self._thresholds = np.array(options.thresholds, np.float32)
        self._margin = 0.0
        if self._narrow and options.known is not None and len(options.known):
            self._margin = self._margin_for(self._narrow, options.known)

    def warm(self, rows: int) -> None:
        """Compiled with the first logits: golden vectors see to that."""

    def logits(self, features: CharacterCodes) -> Array:
        """Logits float32[n]."""
        return self._logits(features)

    def traced(self, features: CharacterCodes) -> tuple[Array, Sides]:
        """Logits float32[n] and sides uint8[n, k], in whole numbers for near rows too."""
        sides = np.empty((len(features), self._octets), np.uint8)
        return self._logits(features, sides), sides

    def _logits(self, features: CharacterCodes, *sides: Sides) -> Array:
        if self._narrow is None:
            return self.exact.logits(features)
        doubts = np.empty(len(features), np.float32)
        logits = self._crew.gather(self._narrow.logits, features, ROWS_AT_ONCE, doubts, *sides)
        near = np.flatnonzero(self._is_near(logits, doubts))
        if len(near):
            logits[near] = self.exact.logits(features.rows(near))
        return logits

    def describe(self) -> EngineDescription:
        """On the CPU, in numba and onnxruntime."""
        return EngineDescription(
            engine="tables-int8",
            device="cpu",
            library=f"int8, {self._crew.threads} threads, {libraries()}",
            tolerance=LARGEST_DIFFERENCE,
        )

    def _is_near(self, logits: Array, doubts: Array) -> NDArray[np.bool_]:
        margins = np.maximum(np.float32(self._margin) * doubts, np.float32(_LEAST_MARGIN))
        near = np.zeros(len(logits), np.bool_)
        for threshold in self._thresholds:
            near |= np.abs(logits - threshold) <= margins
        return near

    def _margin_for(self, narrow: _NarrowLayers, known: CharacterCodes) -> float:
        doubts = np.empty(len(known), np.float32)
        errors = narrow.logits(known, doubts) - self.exact.logits(known)
        by_doubt = np.divide(errors, doubts, out=np.zeros_like(errors), where=doubts > 0)
        return _MARGIN * float(np.sqrt(np.square(by_doubt.astype(np.float64)).mean()))


class _NarrowLayers:
    """The network in whole numbers; may be used by several threads."""

    def __init__(
        self, sizes: CharacterConvolutions, tensors: Mapping[str, Array], exact: TableLayers
    ) -> None:
        self._sums = TableSums(sizes, exact.tables, short=True)
        self._grams = exact.grams
        kernels, biases = dense_of(sizes, tensors)
        rows = laid_out(kernels[0], self._sums)
        self._dense = ByteLayers(
            [rows[: self._sums.columns], *kernels[1:]], biases, rows[self._sums.columns :]
        )

    def logits(self, features: CharacterCodes, doubts: Array, sides: Sides | None = None) -> Array:
        """Logits float32[n]; ``doubts`` float32[n] are filled, and ``sides`` if there are any."""
        grams = _NO_GRAMS if self._grams is None else self._grams(features)
        logits, doubts[:] = self._dense(self._sums(features), grams, sides)
        return logits
