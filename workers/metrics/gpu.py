"""Memory that Keras's backend uses on a GPU."""

from __future__ import annotations

from collections.abc import Callable

from models.engines.contract import EngineDescription

_GPU = "GPU:0"


def gpu_memory(engine: EngineDescription) -> Callable[[], tuple[int, int]] | None:
    """What gives the bytes in use and their peak, from any thread; None where nobody knows.

    TensorFlow and JAX know of their own first GPU, the one that a replica computes on.
    """
    if engine.device != "gpu":
        return None
    return _of_jax() if "on jax" in engine.library else _of_tensorflow()


def _of_tensorflow() -> Callable[[], tuple[int, int]]:
    import tensorflow as tf  # noqa: PLC0415 - the engine has imported it

    def memory() -> tuple[int, int]:
        told = tf.config.experimental.get_memory_info(_GPU)
        return int(told["current"]), int(told["peak"])

    return memory


def _of_jax() -> Callable[[], tuple[int, int]] | None:
    import jax  # noqa: PLC0415 - the engine has imported it

    gpu = jax.devices()[0]
    if not gpu.memory_stats():
        return None  # not all that it runs on tells

    def memory() -> tuple[int, int]:
        told = gpu.memory_stats()
        return int(told["bytes_in_use"]), int(told["peak_bytes_in_use"])

    return memory
