"""Compiled loops: numba, kept on disk between runs, without the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile a function of numbers and arrays at its first call.

    The machine code is kept beside the module's byte code, so that only the first process of a
    machine pays for it. Where that folder cannot be written to, numba takes one of the user's
    (``NUMBA_CACHE_DIR`` names another). Where none can, as in a container whose files are all
    read-only, every process compiles anew, for some half a minute.
    """
    return _compiled(function)


def compiled_reordered(function: F) -> F:
    """As `compiled`, for a function whose additions may be done in any order.

    What it gives differs in the last digits from one kind of processor to another.
    """
    return _compiled(function, fastmath={"reassoc", "nsz"})


def _compiled(function: F, **options: Any) -> F:
    try:
        made = njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:
        # It found no folder to keep machine code in, and says so in no other way.
        made = njit(nogil=True, **options)(function)
    return cast("F", made)
