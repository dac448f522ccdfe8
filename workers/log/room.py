"""A bound on what is held at once."""

from __future__ import annotations

import threading


class Room:
    """So many bytes, taken and given back; who wants more than is left waits. Thread-safe.

    One taker gets in whatever it wants when nobody else is in, so that nothing waits for ever.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._used = 0
        self._changed = threading.Condition()

    def take(self, size: int) -> None:
        """Take ``size`` bytes, waiting until there is room."""
        with self._changed:
            self._changed.wait_for(lambda: not self._used or self._used + size <= self._size)
            self._used += size

    def give_back(self, size: int) -> None:
        """Give back what was taken."""
        with self._changed:
            self._used -= size
            self._changed.notify_all()
