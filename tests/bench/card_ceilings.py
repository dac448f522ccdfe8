"""The most that a card does under this backend: products of matrices, and reading its memory."""

from __future__ import annotations

import time
from statistics import median
from typing import Any, Final

import numpy as np

from models.engines.contract import EngineOptions
from models.engines.graph import Graph

_LAYERS: Final = 8
_ROUNDS: Final = 5


def flops(options: EngineOptions, *, small: bool) -> float:
    """Floating-point operations a second, by a chain of large products in a precision.

    Args:
        options: Whose precision.
        small: Whether on a CPU, just to see that it runs.
    """
    units, rows = (256, 64) if small else (4096, 8192)
    drawn = np.random.default_rng(0)
    kernel = drawn.standard_normal((units, units), np.float32) / np.float32(np.sqrt(units))
    names = [f"product_{number}" for number in range(_LAYERS)]

    tensors = {f"{name}/kernel": kernel for name in names} | {"last/kernel": kernel[:, :1]}

    def build(_: str) -> Any:
        import keras  # noqa: PLC0415 - seconds

        given = hidden = keras.Input((units,), dtype="float32")
        for name in names:
            hidden = keras.layers.Dense(units, use_bias=False, name=name)(hidden)
        last = keras.layers.Dense(1, use_bias=False, name="last", dtype="float32")(hidden)
        return keras.Model(given, last), tensors

    graph = Graph(build, options)
    inputs = drawn.integers(0, 255, (rows, units), np.uint8)
    return 2.0 * _LAYERS * rows * units * units / _seconds(graph, inputs)


def bytes_read(*, small: bool) -> float:
    """Bytes a second, by adding up a large matrix.

    Args:
        small: As in `flops`.
    """
    units, rows = (256, 64) if small else (2**18, 1024)

    def build(_: str) -> Any:
        import keras  # noqa: PLC0415 - seconds

        given = keras.Input((units,), dtype="float32")
        total = keras.layers.Lambda(lambda rows: keras.ops.sum(rows, axis=1, keepdims=True))
        return keras.Model(given, total(given)), {}

    graph = Graph(build, EngineOptions())
    inputs = np.random.default_rng(0).random((rows, units), np.float32)
    return inputs.nbytes / _seconds(graph, inputs)


def _seconds(graph: Graph, inputs: Any) -> float:
    import keras  # noqa: PLC0415 - is there by now

    there = keras.ops.convert_to_tensor(inputs)
    taken = []
    for _ in range(1 + _ROUNDS):
        began = time.perf_counter()
        np.asarray(graph.start(there))
        taken.append(time.perf_counter() - began)
    return median(taken[1:])
