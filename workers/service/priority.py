"""Work that must not be in the way of other work: threads that yield."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

# Of 0 (as all) to 19. A thread of niceness 10 gets a tenth of the time of one of 0 on a core that
# both want, and all of it otherwise. Not less: while it holds the interpreter lock others wait.
NICENESS = 10


def yield_to_others() -> None:
    """Let the calling thread, and those that it starts, run behind the process's others.

    For good: threads that an engine starts here yield as long as they live, and no thread may
    take it back. So it is for threads that work for a shadow alone.

    On Linux, where threads have priorities of their own (setpriority(2)); elsewhere, or where it
    is not allowed, nothing happens.
    """
    if hasattr(os, "setpriority"):
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def yielding(work: Callable[[], T]) -> T:
    """What ``work`` gives, done by a thread of its own that yields.

    Raises:
        BaseException: what ``work`` raised.
    """
    made: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        yield_to_others()
        try:
            made.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again by the caller
            failed.append(error)

    thread = threading.Thread(target=run, name="weir-yielding", daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]
