"""What was published and has no fate yet."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from workers.errors import LogUnavailableError
from workers.log.contract import Outgoing
from workers.log.delivery import PendingDelivery
from workers.log.room import Room


class Outstanding:
    """Deliveries that are not resolved yet, with a bound on the bytes of their rows. Thread-safe.

    Args:
        size: The bound.
    """

    def __init__(self, size: int) -> None:
        self._room = Room(size)
        self._lock = threading.Lock()
        self._rows: dict[PendingDelivery, int] = {}

    def add(self, delivery: PendingDelivery, outgoing: Outgoing) -> None:
        """Count rows in until their delivery is resolved; waits while there is no room."""
        size = _bytes(outgoing.keys) + _bytes(outgoing.values)
        self._room.take(size)
        with self._lock:
            self._rows[delivery] = len(outgoing)
        delivery.add_done_callback(lambda _: self._resolved(delivery, size))

    def wait(self, timeout: float) -> bool:
        """Block up to ``timeout`` seconds until what is outstanding now is resolved."""
        deadline = time.monotonic() + timeout
        with self._lock:
            deliveries = list(self._rows)
        return all(delivery.wait(max(0.0, deadline - time.monotonic())) for delivery in deliveries)

    def abandon(self) -> None:
        """Fail whatever is left: the publisher is closed."""
        with self._lock:
            left = dict(self._rows)
        failure = LogUnavailableError("closed before the rows were acknowledged")
        for delivery, rows in left.items():
            delivery.resolve(dict.fromkeys(range(rows), failure))

    def _resolved(self, delivery: PendingDelivery, size: int) -> None:
        self._room.give_back(size)
        with self._lock:
            self._rows.pop(delivery, None)


def _bytes(parts: Sequence[bytes | None]) -> int:
    return sum(len(part) for part in parts if part is not None)
