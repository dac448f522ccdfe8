"""SIGTERM and SIGINT as a wish to stop, SIGHUP as one to look at what has changed."""

from __future__ import annotations

import os
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


@contextmanager
def looking_on_hangup(look: Callable[[], object]) -> Iterator[None]:
    """Call ``look`` whenever SIGHUP comes, as daemons do.

    Not where standard input is a terminal: there it says that the terminal is gone, and ends the
    process as before. Nor in a thread other than the main one.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or not hasattr(signal, "SIGHUP")
        or _on_terminal()
    ):
        yield
        return
    before = signal.signal(signal.SIGHUP, lambda _number, _frame: look())
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _on_terminal() -> bool:
    try:
        return os.isatty(0)
    except OSError:
        return False
