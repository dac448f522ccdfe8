"""Whether a replica lives and is ready: what it last said of itself, and what follows from that."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Self, TypeVar

from workers.log.contract import TopicPartition
from workers.settings.policies import Settings

Item = TypeVar("Item")
Made = TypeVar("Made")

OWNER: Final = "owner"
"""The loop of the thread that polls and commits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: Of the check.
        problem: What is wrong, for the operator; "" if nothing.
    """

    name: str
    problem: str = ""


def problems(checks: Iterable[Check]) -> list[str]:
    """What is wrong, of several checks."""
    return [check.problem for check in checks if check.problem]


class Health:
    """State of one replica. Thread-safe.

    Whoever works says so: a loop that is busy and has not moved within its bound is stuck. One
    that waits for work, for room, or for a log that is away is not, as it moves between two tries.

    Args:
        liveness_s: Longest that a loop which is busy may go without moving, seconds.
        away_s: Longest that the log may be away before the replica counts as unready, seconds.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, *, liveness_s: float, away_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._liveness_s = liveness_s
        self._away_s = away_s
        self._clock = clock
        self._lock = threading.Lock()
        self._golden = False
        self._warm = False
        self._stopping = False
        self._assigned: set[TopicPartition] = set()
        self._breaker = ""
        # Since when whose calls to the log fail, and why.
        self._away: dict[str, tuple[float, str]] = {}
        # When each busy loop last moved.
        self._moved: dict[str, float] = {}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Of a replica with these settings.

        A log that is away for longer than the group waits for us is away for long.
        """
        return cls(
            liveness_s=settings.http.liveness_ms / 1000,
            away_s=settings.connection.session_timeout_ms / 1000,
        )

    def golden(self) -> None:
        """The engine gives the model's golden logits, within the tolerance."""
        with self._lock:
            self._golden = True

    def warm(self) -> None:
        """The model is loaded and compiled for every batch to come."""
        with self._lock:
            self._warm = True

    def stopping(self) -> None:
        """No more work is taken."""
        with self._lock:
            self._stopping = True

    def assigned(self, partitions: Collection[TopicPartition]) -> None:
        """Partitions are ours."""
        with self._lock:
            self._assigned.update(partitions)

    def unassigned(self, partitions: Collection[TopicPartition]) -> None:
        """Partitions were revoked or lost."""
        with self._lock:
            self._assigned.difference_update(partitions)

    def breaker(self, reason: str) -> None:
        """Partitions are not read, for that reason; all are, if that is empty."""
        with self._lock:
            self._breaker = reason

    def log_away(self, loop: str, error: BaseException | str | None) -> None:
        """A call of that loop to the log failed for the moment."""
        with self._lock:
            since, _ = self._away.get(loop, (self._clock(), ""))
            self._away[loop] = (since, str(error))

    def log_back(self, loop: str) -> None:
        """A call of that loop to the log came through."""
        with self._lock:
            self._away.pop(loop, None)

    def moved(self, loop: str = OWNER) -> None:
        """A loop that is busy has moved on."""
        with self._lock:
            self._moved[loop] = self._clock()

    def rests(self, loop: str = OWNER) -> None:
        """A loop has nothing to do, or has ended."""
        with self._lock:
            self._moved.pop(loop, None)

    @contextmanager
    def busy(self, loop: str) -> Iterator[None]:
        """A loop works on something inside this context."""
        self.moved(loop)
        try:
            yield
        finally:
            self.rests(loop)

    def watched(self, loop: str, work: Callable[[Item], Made]) -> Callable[[Item], Made]:
        """``work``, during which the loop is busy."""

        def watching(item: Item) -> Made:
            with self.busy(loop):
                return work(item)

        return watching

    def watched_each(
        self, loop: str, work: Callable[[Item], Iterable[Made]]
    ) -> Callable[[Item], Iterator[Made]]:
        """``work`` that makes several things, with the loop busy while it makes one.

        Not in between: whoever takes them may have to wait for room.
        """

        def watching(item: Item) -> Iterator[Made]:
            with self.busy(loop):
                making = iter(work(item))
            while True:
                with self.busy(loop):
                    try:
                        made = next(making)
                    except StopIteration:
                        return
                yield made

        return watching

    def startup(self) -> Sequence[Check]:
        """Whether start-up is over: the model is right and warm."""
        with self._lock:
            return self._of_model()

    def live(self) -> Sequence[Check]:
        """Whether every loop that is busy has moved within the bound."""
        with self._lock:
            return self._of_loops()

    def ready(self) -> Sequence[Check]:
        """Whether events are judged, or would be if any came."""
        with self._lock:
            return (
                *self._of_model(),
                Check(
                    name="assigned",
                    problem="" if self._assigned else "no partition is assigned to this replica",
                ),
                Check(
                    name="breaker",
                    problem=f"partitions are not read: {self._breaker}" if self._breaker else "",
                ),
                Check(name="log", problem=self._of_log()),
                Check(name="working", problem="the replica is stopping" if self._stopping else ""),
                *self._of_loops(),
            )

    def _of_model(self) -> tuple[Check, ...]:
        return (
            Check(
                name="golden",
                problem="" if self._golden else "the model's golden logits are not checked yet",
            ),
            Check(name="warm", problem="" if self._warm else "the model is not warm yet"),
        )

    def _of_log(self) -> str:
        if not self._away:
            return ""
        since, error = min(self._away.values())
        away = self._clock() - since
        return f"the log has been away for {away:.0f} s: {error}" if away > self._away_s else ""

    def _of_loops(self) -> tuple[Check, ...]:
        now = self._clock()
        stuck = [
            f"{loop} for {now - at:.0f} s"
            for loop, at in sorted(self._moved.items())
            if now - at > self._liveness_s
        ]
        return (
            Check(
                name="moving",
                problem=f"stuck for more than {self._liveness_s:g} s: {', '.join(stuck)}"
                if stuck
                else "",
            ),
        )
