"""The fate of published rows, as both logs tell it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from workers.log.contract import Delivery


class PendingDelivery:
    """`workers.log.contract.Delivery` that a log resolves once, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._resolved = threading.Event()
        self._failures: Mapping[int, Exception] = {}
        self._callbacks: list[Callable[[Delivery], None]] = []

    def done(self) -> bool:
        """See `workers.log.contract.Delivery`."""
        return self._resolved.is_set()

    def wait(self, timeout: float) -> bool:
        """See `workers.log.contract.Delivery`."""
        return self._resolved.wait(timeout)

    def failures(self) -> Mapping[int, Exception]:
        """See `workers.log.contract.Delivery`."""
        return self._failures

    def add_done_callback(self, callback: Callable[[Delivery], None]) -> None:
        """See `workers.log.contract.Delivery`."""
        with self._lock:
            if not self._resolved.is_set():
                self._callbacks.append(callback)
                return
        callback(self)

    def resolve(self, failures: Mapping[int, Exception]) -> None:
        """Say what became of the rows; a second time is ignored."""
        with self._lock:
            if self._resolved.is_set():
                return
            self._failures = dict(sorted(failures.items()))
            self._resolved.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)
