"""What a replica has yet to judge: lag by partition, and the age of the oldest event."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import numpy as np

from workers.log.contract import Records, TopicPartition
from workers.offsets import InHand

NO_TIMESTAMP: Final = -1


class Backlog:
    """Knows the oldest event not yet judged, as well as it can be known without reading it.

    What is in hand has a timestamp. Of a partition with nothing in hand, the unread events are no
    older than the last one that was read, or, as long as none was, than a moment when nothing was
    unread. Where that was never so their age counts from the assignment: less than it is.

    Not thread-safe: the owner of the source tells it everything.

    Args:
        now: Seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        # When the oldest unread event of each assigned partition may have come, seconds.
        self._since: dict[TopicPartition, float] = {}

    def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """Begin with these."""
        self._since |= dict.fromkeys(partitions, self._now())

    def gone(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget these."""
        for partition in partitions:
            self._since.pop(partition, None)

    def read(self, records: Records) -> None:
        """These were read."""
        numbers, firsts = np.unique(records.partitions[::-1], return_index=True)
        for number, last in zip(
            numbers.tolist(), (len(records) - 1 - firsts).tolist(), strict=True
        ):
            place = TopicPartition(records.topic, number)
            if place in self._since and (at := int(records.timestamps[last])) != NO_TIMESTAMP:
                self._since[place] = at / 1000

    def measure(
        self, unread: Mapping[TopicPartition, int], in_hand: Mapping[TopicPartition, InHand]
    ) -> tuple[dict[TopicPartition, int], float]:
        """Lag of each assigned partition, and the age of the oldest event in seconds.

        Args:
            unread: Offsets between what was read and the end, of assigned partitions.
            in_hand: Events read and not settled.

        Returns:
            Events not judged yet by partition, and 0 or more seconds: 0 when there are none.
        """
        now = self._now()
        lag: dict[TopicPartition, int] = {}
        oldest = now
        for place, since in self._since.items():
            held = in_hand.get(place, InHand())
            left = unread.get(place, 0)
            lag[place] = left + held.events
            if held.events:
                at = since if held.oldest_ms == NO_TIMESTAMP else held.oldest_ms / 1000
                oldest = min(oldest, at)
            elif left:
                oldest = min(oldest, since)
            elif place in unread:
                self._since[place] = now
        # A producer's clock may be ahead of ours.
        return lag, max(0.0, now - oldest)
