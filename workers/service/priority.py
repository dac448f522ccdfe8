"""Work that must not be in the way of other work: a thread that yields."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

# Of 0 (as all) to 19. A thread of niceness 10 gets a tenth of the time of one of 0 on a core that
# both want, and all of it otherwise. Not less: while it holds the interpreter lock others wait.
NICENESS = 10


def yield_to_others() -> None:
    """Let the calling thread, and those that it starts, run behind the process's others.

    On Linux, where threads have priorities of their own (setpriority(2)); elsewhere, or where it
    is not allowed, nothing happens.
    """
    if hasattr(os, "setpriority"):
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
