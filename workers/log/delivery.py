"""The fate of published rows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Protocol


class Delivery(Protocol):
    """The fate of one published `Outgoing`: resolved when every row is acknowledged or failed."""

    def done(self) -> bool:
        """Whether every row is acknowledged or failed."""
        ...

    def wait(self, timeout: float) -> bool:
        """Block up to ``timeout`` seconds until done; return whether it is."""
        ...

    def failures(self) -> Mapping[int, Exception]:
        """Rows that the log did not take, by index, each with its (named) error.

        Meaningful once done. Rows not in it were acknowledged by all in-sync replicas. A row whose
        error is retriable was not acknowledged in time: it may be on the log all the same, and
        sending it again is right. Any other is refused for good.
        """
        ...

    def add_done_callback(self, callback: Callable[[Delivery], None]) -> None:
        """Call ``callback`` once done: at once if it is, else on the log's own thread.

        The callback must be short and must not call the log.
        """
        ...


class PendingDelivery:
    """A `Delivery` that a log resolves once, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._resolved = threading.Event()
        self._failures: Mapping[int, Exception] = {}
        self._callbacks: list[Callable[[Delivery], None]] = []

    def done(self) -> bool:
        """See `Delivery`."""
        return self._resolved.is_set()

    def wait(self, timeout: float) -> bool:
        """See `Delivery`."""
        return self._resolved.wait(timeout)

    def failures(self) -> Mapping[int, Exception]:
        """See `Delivery`."""
        return self._failures

    def add_done_callback(self, callback: Callable[[Delivery], None]) -> None:
        """See `Delivery`."""
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
