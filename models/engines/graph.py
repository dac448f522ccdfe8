"""A Keras network as a compiled function, on TensorFlow or JAX, on a GPU or a CPU.

Codes and counts are copied to the device as narrow as they come and widened there. On a GPU the
graph is compiled by XLA, and pieces of a batch are copied there, computed and copied back while
others are under way. On a CPU TensorFlow's own kernels took as long as XLA's, and compile sooner.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.backend import load_keras
from models.engines.contract import TOLERANCE, EngineDescription, EngineOptions
from models.errors import EngineError

IN_FLIGHT: Final = 8
"""Pieces that are started before the first is awaited."""

# Between a logit and its golden one, where a GPU multiplies in TensorFloat-32 or bfloat16.
_NARROW_TOLERANCE: Final = 0.5
_POLICIES: Final = {"float32": "float32", "tf32": "float32", "bfloat16": "mixed_bfloat16"}

Array = NDArray[np.float32]


class Graph:
    """One network with its weights; each shape of input is compiled once.

    Args:
        build: Gives the network, untrained. Is called when Keras is there.
        tensors: Its weights, float32, by their paths in it.
        options: Precision, and memory of a GPU.

    Raises:
        EngineError: Keras or its backend cannot be imported, or does not do as the options say.
    """

    def __init__(
        self,
        build: Callable[[], Any],
        tensors: Mapping[str, Array],
        options: EngineOptions,
    ) -> None:
        try:
            # Looked at when JAX starts: unless told, it takes three quarters of a card.
            os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
            # Seconds of import, only for those who score with it.
            keras = load_keras()
            network = _built(keras, build, _POLICIES[options.precision])
        except ImportError as error:
            raise EngineError(f"engine 'keras' cannot start: {error}") from error
        for variable in network.weights:
            variable.assign(tensors[variable.path])
        self._backend = keras.backend.backend()
        self._start, self._device = _compiled(keras, network, self._backend, options)
        self._options = options
        self._version = keras.__version__

    def warm(self, shape: tuple[int, ...], dtype: type[np.generic]) -> None:
        """Compile for inputs of a shape and kind."""
        np.asarray(self._start(np.zeros(shape, dtype)))

    def logits(self, pieces: Iterable[tuple[NDArray[np.int64], NDArray[Any]]], rows: int) -> Array:
        """Logits float32[rows].

        Args:
            pieces: Rows int64[m], and their inputs, of at least m rows.
            rows: In all pieces together.
        """
        logits = np.empty(rows, np.float32)
        started: deque[tuple[NDArray[np.int64], Any]] = deque()

        def await_first() -> None:
            first, result = started.popleft()
            logits[first] = np.asarray(result)[: len(first), 0]

        for some, inputs in pieces:
            started.append((some, self._start(inputs)))
            if len(started) == IN_FLIGHT:
                await_first()
        while started:
            await_first()
        return logits

    def describe(self) -> EngineDescription:
        """Keras, its backend and device."""
        precision = self._options.precision
        return EngineDescription(
            engine="keras",
            device=self._device,
            library=f"{precision}, keras {self._version} on {self._backend}",
            tolerance=TOLERANCE if precision == "float32" else _NARROW_TOLERANCE,
        )


def _built(keras: Any, build: Callable[[], Any], policy: str) -> Any:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        return build()
    finally:
        keras.config.set_dtype_policy(before)


def _compiled(
    keras: Any, network: Any, backend: str, options: EngineOptions
) -> tuple[Callable[[NDArray[Any]], Any], str]:
    wide = network.inputs[0].dtype
    if backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415

        # It warns of functions that are compiled for one shape after the other, which is the aim.
        tf.get_logger().setLevel("ERROR")
        gpus = tf.config.list_physical_devices("GPU")
        _share_memory(tf, gpus, options.memory_mb)
        # TensorFloat-32 has ten bits of mantissa: not the logits that thresholds were set on.
        tf.config.experimental.enable_tensor_float_32_execution(options.precision == "tf32")
        function = tf.function(
            lambda inputs: network(keras.ops.cast(inputs, wide), training=False),
            jit_compile=bool(gpus),
        )
        return lambda inputs: function(tf.constant(inputs)), "gpu" if gpus else "cpu"
    if backend == "jax":
        import jax  # noqa: PLC0415

        device = str(jax.devices()[0].platform)
        if options.memory_mb and device != "cpu":
            raise EngineError(
                "gpu_memory_mb needs KERAS_BACKEND=tensorflow; with jax set "
                "XLA_PYTHON_CLIENT_MEM_FRACTION, a share of the card"
            )
        # As above: by default products are taken in TensorFloat-32, or in bfloat16.
        products = "highest" if options.precision == "float32" else "default"
        trainable = [v.value for v in network.trainable_variables]
        fixed = [v.value for v in network.non_trainable_variables]

        def evaluate(inputs: Any) -> Any:
            with jax.default_matmul_precision(products):
                return network.stateless_call(
                    trainable, fixed, keras.ops.cast(inputs, wide), training=False
                )[0]

        return jax.jit(evaluate), device
    raise EngineError(
        f"engine 'keras' runs on the backends tensorflow and jax, not '{backend}'; "
        "set KERAS_BACKEND"
    )


def _share_memory(tf: Any, gpus: list[Any], memory_mb: int) -> None:
    """Take no more of a card than is needed, or than is allowed."""
    try:
        for gpu in gpus:
            if memory_mb:
                limit = tf.config.LogicalDeviceConfiguration(memory_limit=memory_mb)
                tf.config.set_logical_device_configuration(gpu, [limit])
            else:
                tf.config.experimental.set_memory_growth(gpu, True)
    except (RuntimeError, ValueError) as error:
        # The first engine of a process decides; a second one has the same settings.
        if not tf.config.list_logical_devices("GPU"):
            raise EngineError(f"TensorFlow cannot share the GPU: {error}") from error
