"""Memory of a GPU under JAX: what is needed, up to a limit, so that replicas share a card.

JAX looks at two environment variables when it first looks for devices, and knows limits only as
shares of a card, whose size NVIDIA's driver tells.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from typing import Any, Final

from models.errors import EngineError

_DRIVERS: Final = ("libcuda.so.1", "nvcuda.dll")
_MIB: Final = 2**20
# Of what a limit comes out as: shares are written in millionths, and allocators round to pages.
_ROUNDING: Final = 1.01


def limit_jax(memory_mb: int) -> None:
    """Have JAX take memory as it is needed, and no more than this; before it is imported.

    Args:
        memory_mb: MiB at most; 0 for no limit but JAX's own, three quarters of the card.

    Raises:
        EngineError: the card is smaller.
    """
    # Unless told, it takes three quarters of a card at once.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    size = _card_mb() if memory_mb else 0
    if not size:
        return
    if memory_mb > size:
        raise EngineError(
            f"gpu_memory_mb is {memory_mb}, but the GPU has {size} MiB; give less, or 0"
        )
    os.environ["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{memory_mb / size:.6f}"


def check_limit(told: Mapping[str, Any] | None, memory_mb: int) -> None:
    """Whether JAX, which is running by now, keeps to the limit.

    Args:
        told: What its device tells of memory; None if it tells nothing.
        memory_mb: As in `limit_jax`.

    Raises:
        EngineError: it does not, or nobody knows.
    """
    if not memory_mb:
        return
    limit = (told or {}).get("bytes_limit")
    if limit is None or limit > memory_mb * _MIB * _ROUNDING:
        taken = "an unknown amount" if limit is None else f"up to {limit // _MIB} MiB"
        raise EngineError(
            f"gpu_memory_mb is {memory_mb}, but JAX takes {taken}; set "
            "XLA_PYTHON_CLIENT_MEM_FRACTION, a share of the card, before the process starts"
        )


def _card_mb() -> int:
    """MiB of the first GPU that this process sees; 0 without one, or without its driver."""
    for name in _DRIVERS:
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        device, size = ctypes.c_int(), ctypes.c_size_t()
        if (
            driver.cuInit(0) == 0
            and driver.cuDeviceGet(ctypes.byref(device), 0) == 0
            and driver.cuDeviceTotalMem_v2(ctypes.byref(size), device) == 0
        ):
            return size.value // _MIB
    return 0
