"""Memory that TensorFlow uses on a GPU."""

from __future__ import annotations

from collections.abc import Callable

from models.engines.contract import EngineDescription

_GPU = "GPU:0"


def gpu_memory(engine: EngineDescription) -> Callable[[], tuple[int, int]] | None:
    """What gives the bytes in use and their peak, from any thread; None where nobody knows.

    TensorFlow knows of its own first GPU, the one that a replica computes on. JAX has no call for
    it that all its backends answer.
    """
    if engine.device != "gpu" or "tensorflow" not in engine.library:
        return None
    import tensorflow as tf  # noqa: PLC0415 - the engine has imported it

    def memory() -> tuple[int, int]:
        told = tf.config.experimental.get_memory_info(_GPU)
        return int(told["current"]), int(told["peak"])

    return memory
