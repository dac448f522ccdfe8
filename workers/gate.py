"""Polls, and keeps shut the partitions that are better not read just now.

Those are the ones whose breaker is open, and those whose next batch of records cannot be decoded
at all. The others go on, and both are tried again after a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import structlog

from workers.breaker import Breaker
from workers.errors import UndecodableError
from workers.judge import Scored
from workers.log.contract import Records, Source, TopicPartition
from workers.metrics.meters import Fate
from workers.settings.policies import BreakerPolicy
from workers.vitals import Vitals

journal = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Undecodable:
    """A batch that a partition stands before."""

    error: UndecodableError
    next_try: float


class Gate:
    """Stands before a source. All but `judged` is for the owner of the source.

    Args:
        source: Of the records.
        policy: When a partition is shut, and what may be passed over.
        vitals: Told what is shut, and why.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        source: Source,
        policy: BreakerPolicy,
        vitals: Vitals,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._policy = policy
        self._vitals = vitals
        self._clock = clock
        self._breaker = Breaker(policy, clock)
        self._undecodable: dict[TopicPartition, _Undecodable] = {}
        self._shut: frozenset[TopicPartition] = frozenset()

    def poll(self, most: int, timeout: float) -> Records | None:
        """As `Source.poll`; None where a batch came up that cannot be decoded."""
        self._apply()
        try:
            records = self._source.poll(most, timeout)
        except UndecodableError as error:
            self._came_upon(error)
            return None
        if len(records):
            self._breaker.polled(records)
            for number in np.unique(records.partitions).tolist():
                # What it stood before can be decoded now, or was skipped.
                self._undecodable.pop(TopicPartition(records.topic, number), None)
        return records

    def judged(self, scored: Scored) -> None:
        """A batch, or a part of it, was judged; from any thread."""
        refused = [some.rows for some in scored.rejects.values()]
        rows = np.concatenate([scored.rows, *refused])
        records = scored.batch.records
        self._breaker.judged(
            records.topic,
            records.partitions[rows],
            records.offsets[rows],
            np.arange(len(rows)) >= len(scored.rows),
        )

    def gone(self, partitions: Collection[TopicPartition]) -> None:
        """These partitions are somebody else's."""
        self._breaker.forget(partitions)
        for place in partitions:
            self._undecodable.pop(place, None)

    def _apply(self) -> None:
        """Shut and open partitions, and tell of it."""
        now = self._clock()
        waiting = {place for place, known in self._undecodable.items() if now < known.next_try}
        shut = self._breaker.held() | waiting
        if shut != self._shut:
            self._source.hold(shut)
            self._shut = shut
        broken = self._breaker.open()
        reasons = [
            f"too many records of {place.topic}[{place.partition}] cannot be judged"
            for place in sorted(broken)
        ]
        reasons += [str(known.error) for _, known in sorted(self._undecodable.items())]
        self._vitals.held(shut, broken, reasons)

    def _came_upon(self, error: UndecodableError) -> None:
        place = TopicPartition(error.topic, error.partition)
        if self._may_skip(error):
            self._source.skip(place, error.last + 1)
            self._vitals.undecodable(Fate.SKIPPED)
            journal.warning(
                "records that cannot be decoded are passed over, as --skip-offsets says; what "
                "they held is lost",
                topic=error.topic,
                partition=error.partition,
                first=error.first,
                last=error.last,
                error=str(error),
            )
            return
        again = place in self._undecodable
        next_try = self._clock() + self._policy.pause_ms / 1000
        self._undecodable[place] = _Undecodable(error, next_try)
        if again:
            return
        self._vitals.undecodable(Fate.HELD)
        journal.error(
            "records cannot be decoded, so reading of this partition is paused and tried again "
            "later; if the broker's copy is gone for good, start the workers again with "
            f"--skip-offsets {error.partition}:{error.first}-{error.last}",
            topic=error.topic,
            partition=error.partition,
            first=error.first,
            last=error.last,
            error=str(error),
            next_try_s=self._policy.pause_ms / 1000,
        )

    def _may_skip(self, error: UndecodableError) -> bool:
        return any(
            partition == error.partition and first <= error.first and error.last <= last
            for partition, first, last in self._policy.skip
        )
