"""Stops reading a partition of which too much cannot be judged, before all of it is dead letters.

A bad deployment upstream, or a wrong model here, makes every record of a topic fail. Each is kept
as a dead letter, but it is better to stop early: nothing that waits in the topic is lost.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from workers.log.contract import Records, TopicPartition
from workers.settings.policies import BreakerPolicy

journal = structlog.get_logger(__name__)


# Batches of so small a part of the window are counted as one.
_GRAINS: Final = 60


@dataclass(slots=True)
class _Count:
    """Records from a time on, and how many of them failed."""

    since: float
    records: int = 0
    failed: int = 0

    def add(self, records: int, failed: int) -> None:
        self.records += records
        self.failed += failed


@dataclass(slots=True)
class _Probe:
    """Records that were let through to see whether it goes again."""

    first: int
    last: int
    expected: int
    seen: _Count


@dataclass(slots=True)
class _Partition:
    """What is known of one partition.

    Attributes:
        window: Counts, oldest first.
        next_try: While it is open, when (monotonic) it is probed; None while it is closed.
        probe: While it is open, what was let through.
    """

    window: deque[_Count] = field(default_factory=deque)
    next_try: float | None = None
    probe: _Probe | None = None


class Breaker:
    """A breaker a partition. Thread-safe: one thread judges, another reads.

    Args:
        policy: When it opens, and for how long.
        clock: Seconds, monotonic.
    """

    def __init__(self, policy: BreakerPolicy, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._clock = clock
        self._lock = threading.Lock()
        self._partitions: dict[TopicPartition, _Partition] = {}

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """These partitions are somebody else's."""
        with self._lock:
            for place in partitions:
                self._partitions.pop(place, None)

    def held(self) -> frozenset[TopicPartition]:
        """Partitions that are not to be read just now."""
        now = self._clock()
        with self._lock:
            return frozenset(
                place
                for place, known in self._partitions.items()
                if known.probe is not None or (known.next_try is not None and now < known.next_try)
            )

    def open(self) -> frozenset[TopicPartition]:
        """Partitions of which too much failed, until a probe of them has gone well."""
        with self._lock:
            return frozenset(
                place for place, known in self._partitions.items() if known.next_try is not None
            )

    def polled(self, records: Records) -> None:
        """Records were read: of an open partition they are its probe."""
        with self._lock:
            for place, known in self._partitions.items():
                if known.next_try is None or known.probe is not None:
                    continue
                offsets = records.offsets[records.partitions == place.partition]
                if len(offsets) and records.topic == place.topic:
                    known.probe = _Probe(
                        first=int(offsets[0]),
                        last=int(offsets[-1]),
                        expected=len(offsets),
                        seen=_Count(self._clock()),
                    )

    def judged(
        self,
        topic: str,
        partitions: NDArray[np.int32],
        offsets: NDArray[np.int64],
        failed: NDArray[np.bool_],
    ) -> None:
        """N records were judged or refused.

        Args:
            topic: Of all of them.
            partitions: int32[n].
            offsets: int64[n].
            failed: bool[n], whether they become dead letters.
        """
        if not self._policy.on:
            return
        with self._lock:
            for number in np.unique(partitions).tolist():
                rows = partitions == number
                place = TopicPartition(topic, number)
                known = self._partitions.setdefault(place, _Partition())
                if known.next_try is None:
                    self._watch(place, known, int(rows.sum()), int(failed[rows].sum()))
                elif known.probe is not None:
                    rows &= (offsets >= known.probe.first) & (offsets <= known.probe.last)
                    known.probe.seen.add(int(rows.sum()), int(failed[rows].sum()))
                    self._probed(place, known, known.probe)

    def _watch(self, place: TopicPartition, known: _Partition, records: int, failed: int) -> None:
        now, window = self._clock(), known.window
        length = self._policy.window_ms / 1000
        if not window or now - window[-1].since >= length / _GRAINS:
            window.append(_Count(now))
        window[-1].add(records, failed)
        while window[0].since < now - length:
            window.popleft()
        total, bad = sum(count.records for count in window), sum(count.failed for count in window)
        if total >= self._policy.records and bad > self._policy.share * total:
            self._open(place, known, total, bad)

    def _probed(self, place: TopicPartition, known: _Partition, probe: _Probe) -> None:
        total, bad = probe.seen.records, probe.seen.failed
        if total < probe.expected:
            return
        known.probe = None
        if bad > self._policy.share * total:
            self._open(place, known, total, bad)
            return
        known.next_try = None
        journal.info(
            "breaker closed: records can be judged again; reading goes on",
            topic=place.topic,
            partition=place.partition,
            records=total,
            failed=bad,
        )

    def _open(self, place: TopicPartition, known: _Partition, total: int, bad: int) -> None:
        known.next_try = self._clock() + self._policy.pause_ms / 1000
        known.window.clear()
        journal.error(
            "breaker open: too many records cannot be judged, so reading of this partition is "
            "paused and tried again later; weir dead list says what is wrong with them, and "
            "--breaker off reads on whatever fails",
            topic=place.topic,
            partition=place.partition,
            records=total,
            failed=bad,
            next_try_s=self._policy.pause_ms / 1000,
        )
