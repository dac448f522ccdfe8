"""The inspector network in plain numpy, forwards, and back from the logit to a window's bins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.html import windows
from models.html.architecture import EPSILON, InspectorSizes

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What the inspector saw in n pages.

    Attributes:
        normalised: For each layer float32[n, 31, units], zero mean and unit variance.
        deviations: For each layer float32[n, 31, 1], what it was divided by.
        answers: float32[n, 31, units] of the last layer.
    """

    normalised: list[Array]
    deviations: list[Array]
    answers: Array


class InspectorLayers:
    """All layers of one set of weights.

    Args:
        sizes: The network's sizes.
        tensors: Its weights, float32, under the names of `InspectorSizes.shapes`.
    """

    def __init__(self, sizes: InspectorSizes, tensors: Mapping[str, Array]) -> None:
        inspector = [f"inspector_{number}" for number in range(1, len(sizes.inspector) + 1)]
        self._kernels = [np.ascontiguousarray(tensors[f"{name}/kernel"]) for name in inspector]
        self._biases = [tensors[f"{name}/bias"] for name in inspector]
        self._gammas = [tensors[f"{name}_norm/gamma"] for name in inspector]
        self._betas = [tensors[f"{name}_norm/beta"] for name in inspector]
        master = [f"master_{number}" for number in range(1, len(sizes.master) + 1)] + ["logit"]
        self._master_kernels = [np.ascontiguousarray(tensors[f"{name}/kernel"]) for name in master]
        self._master_biases = [tensors[f"{name}/bias"] for name in master]

    def inspect(self, scaled: Array) -> Inspection:
        """What the inspector makes of the windows of float32[n, 16, 1024] scaled counts."""
        normalised, deviations = [], []
        hidden = scaled
        layers = zip(self._kernels, self._biases, self._gammas, self._betas, strict=True)
        for number, (kernel, bias, gamma, beta) in enumerate(layers):
            given = _product(hidden, kernel)
            if number == 0:
                given = windows.means(given)
            given += bias
            given -= given.mean(axis=2, keepdims=True)
            deviation = np.sqrt(np.einsum("nwu,nwu->nw", given, given) / given.shape[2] + EPSILON)
            given /= deviation[:, :, None]
            normalised.append(given)
            deviations.append(deviation[:, :, None])
            hidden = np.maximum(given * gamma + beta, 0)
        return Inspection(normalised=normalised, deviations=deviations, answers=hidden)

    def judge(self, highest: Array) -> Array:
        """Logits float32[n] for the highest answers float32[n, units]."""
        return self._judge(highest)[-1][:, 0]

    def master_gradient(self, highest: Array) -> Array:
        """Gradient of the logit with respect to the highest answers: float32[n, units].

        The master network is linear between its ReLUs' kinks: the logit is the product of this
        and the highest answers, and what the biases give.
        """
        layers = self._judge(highest)
        flowing = np.broadcast_to(self._master_kernels[-1][:, 0], layers[-2].shape)
        for number in range(len(self._master_kernels) - 2, -1, -1):
            flowing = (flowing * (layers[number + 1] > 0)) @ self._master_kernels[number].T
        return np.asarray(flowing, np.float32)

    def window_gradient(
        self, inspection: Inspection, window: NDArray[np.int64], flowing: Array
    ) -> Array:
        """Gradient with respect to the scaled counts of one window of each page.

        Args:
            inspection: Of n pages.
            window: int64[n], a window of each.
            flowing: float32[n, units], gradient with respect to that window's answers.

        Returns:
            float32[n, 1024].
        """
        pages = np.arange(len(window))
        for number in range(len(self._kernels) - 1, -1, -1):
            normalised = inspection.normalised[number][pages, window]
            gamma, beta = self._gammas[number], self._betas[number]
            flowing = flowing * (normalised * gamma + beta > 0) * gamma
            # Normalisation is blind to what moves or stretches all units alike.
            flowing = flowing - flowing.mean(axis=1, keepdims=True)
            flowing -= normalised * (flowing * normalised).mean(axis=1, keepdims=True)
            flowing /= inspection.deviations[number][pages, window]
            flowing = flowing @ self._kernels[number].T
        return flowing

    def _judge(self, highest: Array) -> list[Array]:
        """Input and output of every layer of the master network."""
        layers = [highest]
        for number, (kernel, bias) in enumerate(
            zip(self._master_kernels, self._master_biases, strict=True)
        ):
            given = layers[-1] @ kernel
            given += bias
            if number < len(self._master_kernels) - 1:
                np.maximum(given, 0, out=given)
            layers.append(given)
        return layers


def _product(rows: Array, kernel: Array) -> Array:
    """Matrix product over the last axis, as one large product."""
    flat = rows.reshape(-1, rows.shape[2]) @ kernel
    return flat.reshape(rows.shape[0], rows.shape[1], kernel.shape[1])
