"""A chain of steps, each in a thread of its own, with short queues between them.

While one step works on a batch, the step before works on the next: fetching, scoring and
publishing overlap. A full queue holds up the step before it, and in the end whoever offers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Any

# How often a thread that waits looks whether the chain has failed or whether its step has
# something to do on its own.
WAKE_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a chain.

    Attributes:
        name: Of its thread.
        work: Called with each item; what it returns goes to the next step.
        many: Whether it returns any number of items, to pass on each as it is made.
        idle: Called now and then while no item comes.
        finish: Called once after the last item, with the time (monotonic) by which to be done.
    """

    name: str
    work: Callable[[Any], Any]
    many: bool = False
    idle: Callable[[], None] | None = None
    finish: Callable[[float], None] | None = None


@dataclass(frozen=True, slots=True)
class _End:
    """The last item."""

    deadline: float


class Chain:
    """Runs steps until closed, or until one of them raises.

    Args:
        steps: In order.
        depth: Items that wait between two steps.
    """

    def __init__(self, steps: Sequence[Step], *, depth: int = 1) -> None:
        self._steps = tuple(steps)
        self._inboxes: list[Queue[Any]] = [Queue(depth) for _ in steps]
        self._failed = threading.Event()
        self._failure: BaseException | None = None
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(
                target=self._run, args=(number, step), name=f"weir-{step.name}", daemon=True
            )
            for number, step in enumerate(steps)
        ]
        for thread in self._threads:
            thread.start()

    def offer(self, item: object, timeout: float) -> bool:
        """Hand an item to the first step, waiting up to ``timeout`` seconds for room.

        Raises:
            Exception: what a step raised, at any time before.
        """
        self.check()
        try:
            self._inboxes[0].put(item, timeout=max(timeout, 1e-3))
        except Full:
            return False
        return True

    def depths(self) -> dict[str, int]:
        """Items that wait before each step, by its name; from any thread."""
        return {
            step.name: inbox.qsize() for step, inbox in zip(self._steps, self._inboxes, strict=True)
        }

    def check(self) -> None:
        """Raise what a step raised, if one did."""
        if self._failure is not None:
            raise self._failure

    def close(self, timeout: float, meanwhile: Callable[[], object] = lambda: None) -> bool:
        """Let every item pass through all steps; return whether that was done in time.

        Args:
            timeout: Seconds.
            meanwhile: Called now and then while it is waited for.

        Raises:
            Exception: what a step raised.
        """
        deadline = time.monotonic() + timeout
        while not self.offer(_End(deadline), min(WAKE_SECONDS, timeout)):
            if time.monotonic() >= deadline:
                self.abort()
                return False
            meanwhile()
        for thread in self._threads:
            while thread.is_alive() and time.monotonic() < deadline:
                thread.join(min(WAKE_SECONDS, max(0.0, deadline - time.monotonic())))
                meanwhile()
        self.check()
        if any(thread.is_alive() for thread in self._threads):
            self.abort()
            return False
        return True

    def abort(self) -> None:
        """Let threads end at the next chance; items on their way are given up."""
        self._failed.set()

    def _run(self, number: int, step: Step) -> None:
        try:
            while True:
                item = self._next(number, step)
                if item is None:
                    return
                if isinstance(item, _End):
                    if step.finish:
                        step.finish(item.deadline)
                    self._pass_on(number, item)
                    return
                made = step.work(item)
                for one in made if step.many else (made,):
                    self._pass_on(number, one)
        except BaseException as error:  # noqa: BLE001 - handed to the owner, who raises it
            with self._lock:
                self._failure = self._failure or error
            self._failed.set()

    def _next(self, number: int, step: Step) -> Any:
        while not self._failed.is_set():
            try:
                return self._inboxes[number].get(timeout=WAKE_SECONDS)
            except Empty:
                if step.idle:
                    step.idle()
        return None

    def _pass_on(self, number: int, item: object) -> None:
        if number + 1 == len(self._inboxes):
            return
        while not self._failed.is_set():
            try:
                self._inboxes[number + 1].put(item, timeout=WAKE_SECONDS)
            except Full:
                continue
            return
