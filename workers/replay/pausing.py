"""SIGUSR1 as a wish to pause, and SIGUSR2 to go on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from workers.replay.pace import Pace


@contextmanager
def pausing_on_signals(pace: Pace) -> Iterator[None]:
    """Pause on SIGUSR1 and go on at SIGUSR2, within this context.

    In a thread other than the main one, which gets no signals, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        signal.SIGUSR1: signal.signal(signal.SIGUSR1, lambda *_: pace.pause()),
        signal.SIGUSR2: signal.signal(signal.SIGUSR2, lambda *_: pace.go_on()),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
