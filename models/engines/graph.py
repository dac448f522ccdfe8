"""A Keras network as a compiled function, on TensorFlow or JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from models.errors import EngineError


def compiled(network: object, backend: str) -> tuple[Callable[[NDArray[Any]], object], str]:
    """A function compiled once a shape, and the device that it runs on."""
    if backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415

        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
        # TensorFloat-32 has ten bits of mantissa: not the logits that thresholds were set on.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        function = tf.function(lambda inputs: network(inputs, training=False))  # type: ignore[operator]
        device = "gpu" if tf.config.list_physical_devices("GPU") else "cpu"
        return lambda inputs: function(tf.constant(inputs)), device
    if backend == "jax":
        import jax  # noqa: PLC0415

        # As above: by default products are taken in TensorFloat-32, or in bfloat16.
        jax.config.update("jax_default_matmul_precision", "highest")
        trainable = [v.value for v in network.trainable_variables]  # type: ignore[attr-defined]
        fixed = [v.value for v in network.non_trainable_variables]  # type: ignore[attr-defined]
        stateless = jax.jit(
            lambda inputs: network.stateless_call(  # type: ignore[attr-defined]
                trainable, fixed, inputs, training=False
            )[0]
        )
        return stateless, str(jax.devices()[0].platform)
    raise EngineError(
        f"engine 'keras' runs on the backends tensorflow and jax, not '{backend}'; "
        "set KERAS_BACKEND"
    )
