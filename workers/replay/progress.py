"""How far a run is, as its group's positions say, and when it is at its end."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

import structlog

from workers.errors import LogUnavailableError
from workers.log.bookmarks import Bookmarks
from workers.log.contract import TopicPartition
from workers.replay.plan import Plan

journal = structlog.get_logger(__name__)

# Positions are asked for so often while there is work, and once our own is done.
_PERIOD_S: Final = 2.0
_IMPATIENT_S: Final = 0.5
# The rate is that of the last while, so that it follows what others of the run do.
_RATE_S: Final = 30.0
# What ends with the process anyway.
_JOIN_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One moment of a run, all replicas together.

    Attributes:
        size: Offsets of the range; events may be fewer.
        left: How many of them are not dealt with.
        rate: Offsets a second of late; None where that is not known yet.
    """

    size: int
    left: int
    rate: float | None = None

    @property
    def done(self) -> int:
        """Offsets that are dealt with: delivered and committed."""
        return self.size - self.left

    @property
    def seconds_left(self) -> float | None:
        """How long it will take, if nothing changes; None where that cannot be said."""
        if not self.left:
            return 0.0
        return self.left / self.rate if self.rate else None


class Speed:
    """The rate of what is done, over a while.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def at(self, done: int) -> float | None:
        """What the rate is, now that so much is done."""
        now = self._clock()
        self._seen.append((now, done))
        while now - self._seen[0][0] > _RATE_S and now - self._seen[1][0] > _RATE_S:
            self._seen.popleft()
        began, before = self._seen[0]
        return (done - before) / (now - began) if done > before and now > began else None


class Monitor:
    """Asks for a run's positions now and then, on a thread of its own; a context manager.

    Args:
        plan: The run.
        bookmarks: Of the log.
        report: Told of each moment.
        finished: Called once every partition is at its end, whoever had it.
        failed: Called if the positions are refused for good.
        impatient: Whether our own part is done, so that the end may be near.

    Attributes:
        failure: What the positions were refused with; None so far.
        last: The last moment that was told; None so far.
    """

    def __init__(
        self,
        plan: Plan,
        bookmarks: Bookmarks,
        *,
        report: Callable[[Progress], None],
        finished: Callable[[], None],
        failed: Callable[[], None],
        impatient: Callable[[], bool] = lambda: False,
    ) -> None:
        self._plan = plan
        self._bookmarks = bookmarks
        self._report = report
        self._finished = finished
        self._failed = failed
        self._impatient = impatient
        self._speed = Speed()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="weir-progress", daemon=True)
        self.failure: Exception | None = None
        self.last: Progress | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(_JOIN_S)

    def look(self) -> Progress:
        """How far the run is now.

        Raises:
            WorkerError: the log cannot be asked.
        """
        found = self._bookmarks.read(self._plan.group)
        positions = {place: mark.offset for place, mark in found.items()}
        return self._moment(positions)

    def _moment(self, positions: Mapping[TopicPartition, int]) -> Progress:
        left = sum(self._plan.left(positions).values())
        size = self._plan.size
        return Progress(size=size, left=left, rate=self._speed.at(size - left))

    def _is_over(self) -> bool:
        try:
            progress = self.look()
        except LogUnavailableError as error:
            # Who reads and commits waits for it, and tells.
            journal.debug("the run's positions cannot be asked for", error=str(error))
            return False
        self.last = progress
        self._report(progress)
        if progress.left:
            return False
        self._finished()
        return True

    def _run(self) -> None:
        next_look = time.monotonic()
        try:
            while not self._end.is_set():
                if self._impatient() or time.monotonic() >= next_look:
                    next_look = time.monotonic() + _PERIOD_S
                    if self._is_over():
                        return
                self._end.wait(_IMPATIENT_S)
        except Exception as error:  # noqa: BLE001 - raised by who runs the replay
            self.failure = error
            self._failed()
