"""The dense layers in plain numpy, forwards and back to the pooled sums.

They define what is computed; `models.engines.products` gives the same from onnxruntime, faster.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions

Array = NDArray[np.float32]


class DenseLayers:
    """ReLU layers and the logit on top.

    Args:
        sizes: The network's sizes.
        tensors: Its weights, float32, under the names of `CharacterConvolutions.shapes`.
    """

    def __init__(self, sizes: CharacterConvolutions, tensors: Mapping[str, Array]) -> None:
        names = [f"dense_{number}" for number in range(1, len(sizes.dense) + 1)] + ["logit"]
        self._kernels = [np.ascontiguousarray(tensors[f"{name}/kernel"]) for name in names]
        self._biases = [tensors[f"{name}/bias"] for name in names]

    def logits(self, pooled: Array) -> Array:
        """float32[n, pooled] -> float32[n]."""
        return self._forward(pooled)[-1][:, 0]

    def hidden(self, pooled: Array) -> list[Array]:
        """float32[n, units] of each layer below the logit, after its ReLU."""
        return self._forward(pooled)[1:-1]

    def last(self, pooled: Array) -> tuple[Array, Array, float]:
        """The last layer's answers float32[n, k], and the logit's weights float32[k] and bias."""
        return self._forward(pooled)[-2], self._kernels[-1][:, 0], float(self._biases[-1][0])

    def gradient(self, pooled: Array) -> tuple[Array, Array]:
        """Gradient of the logit with respect to the pooled sums, and what they do not explain.

        The layers are linear between the ReLUs' kinks, so for each text
        ``logit = gradient . pooled + remainder`` exactly; the remainder is what the biases give.

        Returns:
            float32[n, pooled] and float32[n].
        """
        layers = self._forward(pooled)
        flowing = np.broadcast_to(self._kernels[-1][:, 0], layers[-2].shape).astype(np.float32)
        remainder = np.full(len(pooled), self._biases[-1][0], np.float32)
        for number in range(len(self._kernels) - 2, -1, -1):
            flowing = flowing * (layers[number + 1] > 0)
            remainder += flowing @ self._biases[number]
            flowing = flowing @ self._kernels[number].T
        return flowing, remainder

    def _forward(self, pooled: Array) -> list[Array]:
        """Input and output of every layer."""
        layers = [pooled]
        for number, (kernel, bias) in enumerate(zip(self._kernels, self._biases, strict=True)):
            given = layers[-1] @ kernel
            given += bias
            if number < len(self._kernels) - 1:
                np.maximum(given, 0, out=given)
            layers.append(given)
        return layers
