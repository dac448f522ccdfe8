"""SIGTERM and SIGINT as a wish to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stopping_on_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Call ``stop`` on the first signal; a second one, from whoever means it, acts as before.

    In a thread other than the main one, which gets no signals, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {}

    def handle(number: int, _frame: object) -> None:
        signal.signal(number, before[number])
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for handled, handler in before.items():
            signal.signal(handled, handler)
