"""Which engine ``auto`` means on this machine.

Keras where there is a GPU. On a CPU the one in narrow whole numbers, if the kind of network has
one: its labels are those of float32, and it takes half the time (`models.engines.tables_int8`).
Weights that it is too far off for are computed in float32.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

APPROXIMATE: Final = frozenset({"tables-int8"})
"""Engines whose logits are near those of the network, not equal up to rounding."""

# Device files of NVIDIA's driver; asking them costs nothing, importing TensorFlow costs seconds.
_GPU_DEVICES: Final = ("/dev/nvidiactl", "/dev/dxg")
_ON_A_CPU: Final = ("tables-int8", "tables")


def candidates(engine: str, engines: Collection[str]) -> tuple[str, ...]:
    """The engines that a name stands for, of which the first that works is taken.

    Args:
        engine: ``auto`` or the name of an engine, which is taken as it is.
        engines: That the kind of network has.
    """
    if engine != "auto":
        return (engine,)
    if any(Path(device).exists() for device in _GPU_DEVICES):
        return ("keras",)
    return tuple(name for name in _ON_A_CPU if name in engines)
