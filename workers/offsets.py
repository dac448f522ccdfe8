"""Which offsets of which partitions are settled, and from where to go on.

A position is committed only when every record before it that was delivered to us is settled:
its verdict or its dead letter acknowledged. "Before" is meant among the records delivered:
compaction and transaction markers leave gaps, and positions move past them.

A partition may leave and come back. Each assignment is an epoch, and what settles late from an
earlier one is ignored: by then the records are somebody else's, or ours to read again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workers.log.contract import Records, TopicPartition

_NONE: NDArray[np.int64] = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class InHand:
    """Events of a partition that were delivered and are not settled.

    Attributes:
        events: How many.
        oldest_ms: Timestamp of the first, milliseconds since the epoch; -1 where the log has none.
    """

    events: int = 0
    oldest_ms: int = -1


@dataclass(slots=True)
class _Partition:
    """One assignment of one partition."""

    epoch: int
    # Offsets delivered and not yet behind the position, ascending, and which are settled.
    offsets: NDArray[np.int64] = field(default_factory=lambda: _NONE)
    # Milliseconds since the epoch; -1 where the log has none.
    timestamps: NDArray[np.int64] = field(default_factory=lambda: _NONE)
    settled: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    # Where the log would read next; known after the first poll.
    read_up_to: int | None = None
    committed: int | None = None

    def drop_settled(self) -> None:
        """Forget the settled offsets at the head."""
        if len(self.settled) and self.settled[0]:
            first = len(self.settled) if self.settled.all() else int(np.argmin(self.settled))
            self.offsets = self.offsets[first:]
            self.timestamps = self.timestamps[first:]
            self.settled = self.settled[first:]

    def position(self) -> int | None:
        """The first offset that is not settled; where none is outstanding, the read position."""
        return int(self.offsets[0]) if len(self.offsets) else self.read_up_to


class OffsetTracker:
    """Follows delivered records until they are settled. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._settled = threading.Condition(self._lock)
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._epochs = 0

    def open(self, partitions: Iterable[TopicPartition]) -> None:
        """A new assignment of these partitions begins."""
        with self._lock:
            for partition in partitions:
                self._epochs += 1
                self._partitions[partition] = _Partition(epoch=self._epochs)

    def close(self, partitions: Iterable[TopicPartition]) -> None:
        """Their assignment is over; whatever settles for it from now on is ignored."""
        with self._settled:
            for partition in partitions:
                self._partitions.pop(partition, None)
            self._settled.notify_all()

    def track(self, records: Records) -> NDArray[np.int64]:
        """Remember n delivered records as outstanding.

        Returns:
            int64[n], the epoch of each row's partition; `settle` wants it back.

        Raises:
            KeyError: a record of a partition that is not open.
        """
        epochs = np.empty(len(records), np.int64)
        with self._lock:
            for number in np.unique(records.partitions).tolist():
                rows = records.partitions == number
                partition = self._partitions[TopicPartition(records.topic, number)]
                epochs[rows] = partition.epoch
                offsets = records.offsets[rows]
                partition.offsets = np.concatenate([partition.offsets, offsets])
                partition.timestamps = np.concatenate(
                    [partition.timestamps, records.timestamps[rows]]
                )
                partition.settled = np.concatenate(
                    [partition.settled, np.zeros(len(offsets), np.bool_)]
                )
        return epochs

    def settle(
        self,
        topic: str,
        partitions: NDArray[np.int32],
        offsets: NDArray[np.int64],
        epochs: NDArray[np.int64],
    ) -> None:
        """These records (columns of n rows) are delivered for good. Any thread may say so."""
        with self._settled:
            for number in np.unique(partitions).tolist():
                partition = self._partitions.get(TopicPartition(topic, number))
                if partition is None:
                    continue
                rows = (partitions == number) & (epochs == partition.epoch)
                # Those no longer there were settled before, and stand behind the position.
                found = np.searchsorted(partition.offsets, offsets[rows])
                inside = found < len(partition.offsets)
                found = found[inside]
                found = found[partition.offsets[found] == offsets[rows][inside]]
                partition.settled[found] = True
                partition.drop_settled()
            self._settled.notify_all()

    def partitions(self) -> list[TopicPartition]:
        """Those whose assignment goes on."""
        with self._lock:
            return sorted(self._partitions)

    def open_rows(self, epochs: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of n rows belong to an assignment that goes on: bool[n]."""
        with self._lock:
            known = np.array([found.epoch for found in self._partitions.values()], np.int64)
        # Every assignment has an epoch of its own, whatever the partition.
        return np.isin(epochs, known)

    def advance(self, positions: Mapping[TopicPartition, int]) -> None:
        """The log would read on from here; said after `track` of what it read up to there."""
        with self._lock:
            for name, position in positions.items():
                partition = self._partitions.get(name)
                if partition is not None:
                    if partition.read_up_to is None:
                        # Where reading began is what is committed, or will be with the rest.
                        partition.committed = position if not len(partition.offsets) else None
                    partition.read_up_to = position

    def committable(
        self, partitions: Iterable[TopicPartition] | None = None
    ) -> dict[TopicPartition, int]:
        """Positions, of these partitions (None: of all), that have moved since last committed."""
        wanted = None if partitions is None else set(partitions)
        with self._lock:
            return {
                name: position
                for name, partition in self._partitions.items()
                if (wanted is None or name in wanted)
                and (position := partition.position()) is not None
                and position != partition.committed
            }

    def committed(self, positions: Mapping[TopicPartition, int]) -> None:
        """These positions are committed."""
        with self._lock:
            for name, position in positions.items():
                if name in self._partitions:
                    self._partitions[name].committed = position

    def outstanding(self) -> int:
        """Records delivered and not settled."""
        with self._lock:
            return self._outstanding(self._partitions)

    def in_hand(self) -> dict[TopicPartition, InHand]:
        """What is delivered and not settled of each partition that has any."""
        with self._lock:
            return {
                name: InHand(
                    events=int(np.count_nonzero(~partition.settled)),
                    oldest_ms=int(partition.timestamps[0]),
                )
                for name, partition in self._partitions.items()
                if len(partition.offsets)
            }

    def wait_settled(self, partitions: Iterable[TopicPartition] | None, timeout: float) -> bool:
        """Block up to ``timeout`` seconds until nothing of these (None: of all) is outstanding."""
        wanted = None if partitions is None else list(partitions)
        with self._settled:
            return self._settled.wait_for(
                lambda: self._outstanding(self._partitions if wanted is None else wanted) == 0,
                timeout,
            )

    def _outstanding(self, partitions: Iterable[TopicPartition]) -> int:
        return sum(
            int(np.count_nonzero(~found.settled))
            for name in partitions
            if (found := self._partitions.get(name)) is not None
        )
