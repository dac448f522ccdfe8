"""The dense layers in bytes: four times the products of float32, for an error that is measured.

Weights are int8 with a step for each unit, what goes into a layer is uint8 with a step for each
row. The columns that go in are brought to about one size first, by the size of the weights that
look at each (its inverse goes into these weights): small ones would drown in the step of the
large. n-grams' sums, few and of either sign, stay floats.

How far off a logit may be depends on the row: one column that is far above the rest makes steps
wide. So each comes with its doubt, what the roundings of bytes add up to if they are independent,
which is right but for a factor that all rows share.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.characters.byte_loops import activate, floats_to_bytes, to_bytes, to_logits
from models.characters.sides import Sides, pack
from models.engines.products import ByteProduct, largest_weight
from models.vectors import FLOATS

Array = NDArray[np.float32]
Double = NDArray[np.float64]

_NONE: Final = np.zeros(0, np.float32)


class ByteLayers:
    """Dense layers and the logit on top, of one set of weights; for any number of threads.

    Args:
        kernels: float32[units, next units] of each layer, the last with one; of the first the
            rows of what comes in whole numbers, whole vectors of them.
        biases: float32[next units] of each.
        further: float32[k, next units], the first layer's rows of what comes in float.

    Raises:
        EngineError: onnxruntime cannot run here.
    """

    def __init__(self, kernels: list[Array], biases: list[Array], further: Array) -> None:
        most = largest_weight()
        self._units = [kernel.shape[1] for kernel in kernels[:-1]]
        self._layers: list[_Layer] = []
        for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
            self._layers.append(_Layer(_padded(kernel), _padded_row(bias), most))
        top = np.pad(kernels[-1][:, 0], (0, -len(kernels[-1]) % FLOATS))
        # What each layer gives is multiplied by what the next wants its columns multiplied by.
        self._factors = [layer.sizes.astype(np.float32) for layer in self._layers[1:]]
        self._factors.append(np.ones(len(top), np.float32))
        self._top, self._top_bias = top.astype(np.float32), float(biases[-1][0])
        self._first_factors = self._layers[0].sizes.astype(np.float32)
        # What an error of one step in each column of a layer makes of the logit.
        self._gains: list[float] = []
        gain = float(np.linalg.norm(self._top)) / math.sqrt(12.0)
        for layer in reversed(self._layers):
            self._gains.insert(0, gain * math.sqrt(len(layer.sizes)))
            gain *= float(np.linalg.norm(layer.sizes))
        self._further = np.ascontiguousarray(
            np.pad(further, ((0, 0), (0, -further.shape[1] % FLOATS))), np.float32
        ).reshape(-1)

    def __call__(
        self, sums: NDArray[np.int32], further: Array, sides: Sides | None = None
    ) -> tuple[Array, Array]:
        """int32[n, units], float32[n, k] -> logits float32[n], and their doubts float32[n].

        ``sides`` are filled, if there are any.
        """
        rows, columns = sums.shape
        octets, steps = np.empty((rows, columns), np.uint8), np.empty(rows, np.float32)
        scratch = np.empty(columns, np.float32)
        to_bytes(sums.reshape(-1), self._first_factors, scratch, octets.reshape(-1), steps)
        beside, beside_kernel = further.reshape(-1), self._further
        hidden = scratch
        doubts = np.zeros(rows, np.float32)
        layers = zip(self._layers, self._factors, self._gains, strict=True)
        for number, (layer, factors, gain) in enumerate(layers):
            if number:
                octets = np.empty(hidden.shape, np.uint8)
                floats_to_bytes(hidden.reshape(-1), octets.reshape(-1), steps)
                beside, beside_kernel = _NONE, _NONE
            doubts += steps * np.float32(gain)
            products = layer.product(octets)
            hidden = np.empty(products.shape, np.float32)
            activate(
                products.reshape(-1),
                steps,
                layer.scales,
                layer.biases,
                beside,
                beside_kernel,
                factors,
                hidden.reshape(-1),
            )
            if sides is not None:
                pack(hidden, self._units, number, sides)
        logits = np.empty(rows, np.float32)
        to_logits(hidden.reshape(-1), self._top, self._top_bias, logits)
        return logits, doubts


class _Layer:
    """One layer's weights in bytes."""

    def __init__(self, kernel: Double, bias: Array, most: int) -> None:
        sizes = np.sqrt(np.square(kernel).mean(axis=1))
        self.sizes = np.where(sizes > 0, sizes, 1.0)
        sized = kernel / self.sizes[:, None]
        scales = np.abs(sized).max(axis=0) / most
        scales = np.where(scales > 0, scales, 1.0)
        self.product = ByteProduct(np.rint(sized / scales).astype(np.int8))
        self.scales = scales.astype(np.float32)
        self.biases = bias


def _padded(kernel: Array) -> Double:
    rows, columns = kernel.shape
    return np.pad(kernel.astype(np.float64), ((0, -rows % FLOATS), (0, -columns % FLOATS)))


def _padded_row(bias: Array) -> Array:
    return np.pad(bias, (0, -len(bias) % FLOATS)).astype(np.float32)
