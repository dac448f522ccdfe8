"""What the owner of a pipeline tells its meters and its health, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final

from workers.errors import LogError
from workers.health import OWNER, Health
from workers.log.contract import Records, Source, TopicPartition
from workers.metrics.backlog import Backlog
from workers.metrics.meters import Fate, Meters
from workers.offsets import OffsetTracker

# How often lag is looked up. A scrape comes every 15 seconds or so; a lookup costs next to nothing.
MEASURE_SECONDS: Final = 1.0


class Vitals:
    """Meters, health and backlog of one pipeline; every call is the owner's of the source.

    Args:
        meters: Count and measure.
        health: Knows whether the replica lives and is ready.
        tracker: Knows what is in hand.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        meters: Meters,
        health: Health,
        tracker: OffsetTracker,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._meters = meters
        self._health = health
        self._tracker = tracker
        self._clock = clock
        self._backlog = Backlog()
        self._next_measure = 0.0
        self._unread: Mapping[TopicPartition, int] = {}
        meters.in_hand(tracker.outstanding)

    def assigned(self, partitions: Collection[TopicPartition]) -> None:
        """Partitions are ours."""
        self._meters.assigned(partitions)
        self._health.assigned(partitions)
        self._backlog.assigned(partitions)

    def revoked(self, partitions: Collection[TopicPartition]) -> None:
        """Partitions were given back."""
        self._meters.revoked(partitions)
        self._gone(partitions)

    def lost(self, partitions: Collection[TopicPartition]) -> None:
        """Partitions were taken by force."""
        self._meters.lost(partitions)
        self._gone(partitions)

    def read(self, records: Records, size: int) -> None:
        """Records came in, of ``size`` bytes together."""
        self._meters.polled(len(records), size)
        self._backlog.read(records)

    def turned(self, source: Source) -> None:
        """The loop has gone round; now and then lag is looked up."""
        self._health.moved()
        if source.reachable():
            self._health.log_back(OWNER)
        else:
            self._health.log_away(OWNER, "no broker is connected")
        now = self._clock()
        if now < self._next_measure:
            return
        self._next_measure = now + MEASURE_SECONDS
        # A log that does not answer is found out by who polls; what is known goes on ageing.
        with suppress(LogError):
            self._unread = source.lag()
        self._meters.behind(*self._backlog.measure(self._unread, self._tracker.in_hand()))

    def held(
        self,
        partitions: Collection[TopicPartition],
        broken: Collection[TopicPartition],
        reasons: Sequence[str],
    ) -> None:
        """These partitions are not read just now, for these reasons; some breakers are open."""
        self._meters.held(len(partitions))
        self._meters.breaker(broken)
        self._health.breaker("; ".join(reasons))

    def undecodable(self, fate: Fate) -> None:
        """A batch of records could not be decoded."""
        self._meters.undecodable(fate)

    def failed(self, error: BaseException | None) -> None:
        """The log has not answered, and is tried again."""
        self._health.moved()
        self._health.log_away(OWNER, error)

    def stopping(self) -> None:
        """No more is read. The end has a bound of its own, and is not held to that of a turn."""
        self._health.stopping()
        self._health.rests()

    def _gone(self, partitions: Collection[TopicPartition]) -> None:
        self._health.unassigned(partitions)
        self._backlog.gone(partitions)
