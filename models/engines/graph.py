"""A Keras network as a compiled function, on TensorFlow or JAX, on a GPU or a CPU.

Codes and counts are copied to the device as narrow as they come and widened there. On a GPU the
graph is compiled by XLA, and pieces of a batch are copied there, computed and copied back while
others are under way. On a CPU TensorFlow's own kernels took as long as XLA's, and compile sooner.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.backend import load_keras
from models.cores import usable_cores
from models.engines.card_memory import check_limit, limit_jax
from models.engines.contract import TOLERANCE, EngineDescription, EngineOptions
from models.errors import EngineError

IN_FLIGHT: Final = 8
"""Pieces that are started before the first is awaited."""

# Between a logit and its golden one, where a GPU multiplies in TensorFloat-32 or bfloat16.
_NARROW_TOLERANCE: Final = 0.5
# Weights are kept in what they are multiplied in: widened, each piece would narrow them anew.
_POLICIES: Final = {"float32": "float32", "tf32": "float32", "bfloat16": "bfloat16"}

Array = NDArray[np.float32]
Start = Callable[[Any], Any]


class Graph:
    """One network with its weights; each shape of input is compiled once.

    Threads may share it: while one awaits its batch, others have theirs copied and computed.

    Args:
        build: Gives the network, untrained, for a device, and its weights, float32, by their paths
            in it. Is called when Keras is there.
        options: Precision, and memory of a GPU.

    Raises:
        EngineError: Keras or its backend cannot be imported, or does not do as the options say.
    """

    def __init__(
        self,
        build: Callable[[str], tuple[Any, Mapping[str, Array]]],
        options: EngineOptions,
    ) -> None:
        try:
            limit_jax(options.memory_mb)
            # Seconds of import, only for those who score with it.
            keras = load_keras()
            self._backend = keras.backend.backend()
            self._device = _device(self._backend, options)
            network, tensors = _built(keras, build, self._device, _POLICIES[options.precision])
        except ImportError as error:
            raise EngineError(f"engine 'keras' cannot start: {error}") from error
        for variable in network.weights:
            variable.assign(tensors[variable.path])
        compile_for = _on_tensorflow if self._backend == "tensorflow" else _on_jax
        self._start = compile_for(keras, network, self._device, options.precision)
        self._options = options
        self._version = keras.__version__

    @property
    def device(self) -> str:
        """Where it computes: ``cpu``, ``gpu`` or ``tpu``."""
        return self._device

    def warm(self, shapes: Sequence[tuple[int, ...]], dtype: type[np.generic]) -> None:
        """Compile for inputs of these shapes and kind.

        For a GPU on all cores at once: it takes some seconds a shape, most of them in a compiler
        that uses one core.
        """
        at_once = 1 if self.device == "cpu" else usable_cores()
        with ThreadPoolExecutor(at_once, thread_name_prefix="warm") as pool:
            for _ in pool.map(lambda shape: self._await(np.zeros(shape, dtype)), shapes):
                pass

    def start(self, inputs: Any) -> Any:
        """Have logits computed, and go on meanwhile; `numpy.asarray` awaits them: float32[m, 1].

        Args:
            inputs: Of m rows: of numpy, or an array of the backend, on the device already.
        """
        return self._start(inputs)

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
            started.append((some, self.start(inputs)))
            if len(started) == IN_FLIGHT:
                await_first()
        while started:
            await_first()
        return logits

    def _await(self, inputs: NDArray[Any]) -> Array:
        return np.asarray(self.start(inputs))

    def describe(self) -> EngineDescription:
        """Keras, its backend and device."""
        precision = self._options.precision
        return EngineDescription(
            engine="keras",
            device=self._device,
            library=f"{precision}, keras {self._version} on {self._backend}",
            tolerance=TOLERANCE if precision == "float32" else _NARROW_TOLERANCE,
        )


def _built(
    keras: Any,
    build: Callable[[str], tuple[Any, Mapping[str, Array]]],
    device: str,
    policy: str,
) -> tuple[Any, Mapping[str, Array]]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        return build(device)
    finally:
        keras.config.set_dtype_policy(before)


def _device(backend: str, options: EngineOptions) -> str:
    """What the backend computes on; its memory is shared before anything lies there."""
    if backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415

        gpus = tf.config.list_physical_devices("GPU")
        _share_memory(tf, gpus, options.memory_mb)
        return "gpu" if gpus else "cpu"
    if backend == "jax":
        import jax  # noqa: PLC0415

        first = jax.devices()[0]
        if first.platform == "gpu":
            check_limit(first.memory_stats(), options.memory_mb)
        return str(first.platform)
    raise EngineError(
        f"engine 'keras' runs on the backends tensorflow and jax, not '{backend}'; "
        "set KERAS_BACKEND"
    )


def _on_tensorflow(keras: Any, network: Any, device: str, precision: str) -> Start:
    import tensorflow as tf  # noqa: PLC0415

    # It warns of functions that are compiled for one shape after the other, which is the aim.
    tf.get_logger().setLevel("ERROR")
    # TensorFloat-32 has ten bits of mantissa: not the logits that thresholds were set on.
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
    wide = network.inputs[0].dtype
    function = tf.function(
        lambda inputs: network(keras.ops.cast(inputs, wide), training=False),
        jit_compile=device != "cpu",
    )
    return lambda inputs: function(tf.constant(inputs))


def _on_jax(keras: Any, network: Any, device: str, precision: str) -> Start:
    import jax  # noqa: PLC0415

    del device  # it is all the same to it
    # As above: by default products are taken in TensorFloat-32, or in bfloat16.
    products = "highest" if precision == "float32" else "default"
    wide = network.inputs[0].dtype
    # As arguments: each shape would have a copy of them, if they were constants.
    weights = (
        [variable.value for variable in network.trainable_variables],
        [variable.value for variable in network.non_trainable_variables],
    )

    def evaluate(weights: tuple[list[Any], list[Any]], inputs: Any) -> Any:
        with jax.default_matmul_precision(products):
            return network.stateless_call(*weights, keras.ops.cast(inputs, wide), training=False)[0]

    compiled = jax.jit(evaluate)

    def start(inputs: Any) -> Any:
        logits = compiled(weights, inputs)
        logits.copy_to_host_async()
        return logits

    return start


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
