"""How fast a replay reads, and whether it does just now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

# Events given out at one go, as time at the rate: short enough to be even, long enough for a batch.
_PORTION_S: Final = 0.1
# What may be made up for of the time in which nothing was read; more is let go.
_CREDIT_S: Final = 1.0


class Pace:
    """A bound on events a second, and a pause. `pause` and `go_on` from any thread or a signal.

    At most a second is made up for: after a pause the rate is as before.

    Args:
        rate: Most events a second; None for as fast as it goes.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, rate: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._due = clock()
        self._paused = threading.Event()

    @property
    def paused(self) -> bool:
        """Whether nothing is to be read."""
        return self._paused.is_set()

    def pause(self) -> None:
        """Read nothing more for now."""
        self._paused.set()

    def go_on(self) -> None:
        """Read again."""
        self._paused.clear()

    def most(self, wanted: int) -> int:
        """How many events may be read at one go; of ``wanted``, one at least."""
        return wanted if self._rate is None else min(wanted, max(1, int(self._rate * _PORTION_S)))

    def wait(self) -> float:
        """Seconds until some may be read."""
        return 0.0 if self._rate is None else max(0.0, self._due - self._clock())

    def took(self, events: int) -> None:
        """So many were read."""
        if self._rate is not None:
            self._due = max(self._due, self._clock() - _CREDIT_S) + events / self._rate
