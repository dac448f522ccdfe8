"""Which engine ``auto`` means on this machine."""

from __future__ import annotations

from pathlib import Path

# Device files of NVIDIA's driver; asking them costs nothing, importing TensorFlow costs seconds.
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/dxg")


def choose(engine: str) -> str:
    """Resolve ``auto``: Keras where there is a GPU, table sums on a CPU.

    Args:
        engine: ``auto`` or the name of an engine, which is taken as it is.
    """
    if engine != "auto":
        return engine
    return "keras" if any(Path(device).exists() for device in _GPU_DEVICES) else "tables"
