"""Gathers batches for a chain of steps, and holds the source up while the chain has no room."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from workers.batching import Batch, Batcher
from workers.log.contract import Source
from workers.metrics.meters import Meters
from workers.stages import Chain

# How long a full chain is waited for before the partitions are paused and the group is told by a
# poll that we live. Well under any session timeout.
PATIENCE_SECONDS: Final = 0.25


class Intake:
    """What stands between a source and a chain; for the owner of the source.

    Args:
        source: Paused while the chain is full.
        chain: Takes batches.
        batcher: Gathers them.
        meters: Told of batches.
    """

    def __init__(self, source: Source, chain: Chain, batcher: Batcher, meters: Meters) -> None:
        self._source = source
        self._chain = chain
        self._batcher = batcher
        self._meters = meters
        # A closed batch that the chain has had no room for yet.
        self._waiting: Batch | None = None
        self._paused = False

    @property
    def room(self) -> int:
        """Records to poll at the most; one at least."""
        return max(1, self._batcher.room)

    def add(self, batch: Batch) -> int:
        """Take in what was polled; return its bytes."""
        return self._batcher.add(batch)

    def time_left(self) -> float | None:
        """Seconds until the batch that is being gathered is due; None while it is empty."""
        return self._batcher.time_left()

    def hand_over(self) -> bool:
        """Give a batch that is due to the chain; pause the source while it has no room.

        Returns:
            Whether there is room for more.
        """
        if self._waiting is None and self._batcher.due():
            self._waiting = self._closed()
        if self._waiting is not None:
            if not self._chain.offer(self._waiting, PATIENCE_SECONDS):
                if not self._paused:
                    self._source.pause()
                    self._paused = True
                return False
            self._waiting = None
        if self._paused:
            self._source.resume()
            self._paused = False
        return True

    def hand_over_all(self, deadline: float, worthwhile: Callable[[], bool] = lambda: True) -> bool:
        """Give all that was gathered to the chain, full or not; return whether it took it.

        Args:
            deadline: Until when (monotonic) to wait for room.
            worthwhile: Asked now and then whether to go on waiting.
        """
        while True:
            self._waiting = self._waiting or self._closed()
            if self._waiting is None:
                return True
            left = max(0.0, deadline - time.monotonic())
            if self._chain.offer(self._waiting, min(left, PATIENCE_SECONDS)):
                self._waiting = None
            elif not left or not worthwhile():
                return False

    def _closed(self) -> Batch | None:
        """The batch that was gathered, if any."""
        age = self._batcher.age
        batch = self._batcher.take()
        if batch is not None:
            self._meters.gathered(len(batch), age)
        return batch
