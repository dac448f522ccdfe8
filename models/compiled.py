"""Compiled loops: numba, kept on disk between runs, without the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile a function of numbers and arrays at its first call.

    The machine code is kept beside the module's byte code, so that only the first process of a
    machine pays for it. Where that folder cannot be written to, numba takes one of the user's
    (``NUMBA_CACHE_DIR`` names another).
    """
    return cast("F", njit(cache=True, nogil=True)(function))


def compiled_reordered(function: F) -> F:
    """As `compiled`, for a function whose additions may be done in any order.

    What it gives differs in the last digits from one kind of processor to another.
    """
    made = njit(cache=True, nogil=True, fastmath={"reassoc", "nsz"})(function)
    return cast("F", made)
