"""Gathers polled records into batches: closed when full or old enough, whichever comes first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.dead_letter import origin
from schemas.origin import Origins
from workers.log.contract import Records
from workers.settings.policies import BatchPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Records on their way, with the epochs under which their positions are tracked.

    ``epochs`` is int64[n]; see `workers.offsets`.
    """

    records: Records
    epochs: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.records)

    def rows(self, start: int, stop: int) -> Batch:
        """The rows from ``start`` to ``stop`` (exclusive)."""
        if (start, stop) == (0, len(self)):
            return self
        return Batch(records=self.records.rows(start, stop), epochs=self.epochs[start:stop])

    def origins(self) -> Origins:
        """Where the records come from; of one sent back from the dead letters, its first origin.

        Whoever may write to the topic could forge the headers that tell it, so they are believed
        only where they name this topic and an earlier offset of the same partition.
        """
        records = self.records
        own = Origins.of_topic(
            records.topic, records.partitions, records.offsets, records.timestamps
        )
        if not any(records.headers):
            return own
        return own.replaced(
            {
                row: first
                for row, headers in enumerate(records.headers)
                if (first := origin(headers)) is not None
                and first.topic == records.topic
                and first.partition == records.partitions[row]
                and first.offset < records.offsets[row]
            }
        )


class Batcher:
    """State of the batch that is being gathered.

    Args:
        policy: When a batch closes.
        clock: Seconds, monotonic.
    """

    def __init__(self, policy: BatchPolicy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._gathered: list[Batch] = []
        self._sizes: list[NDArray[np.int64]] = []
        self._rows = 0
        self._bytes = 0
        # Of the records that came last: of the next nobody knows more before they are there.
        self._mean_bytes = 1
        self._opened_at = 0.0

    @property
    def room(self) -> int:
        """Records that still fit, by count and, if they are as large as the last, by bytes."""
        return max(
            0,
            min(
                self._policy.max_batch - self._rows,
                (self._policy.max_batch_bytes - self._bytes) // self._mean_bytes,
            ),
        )

    @property
    def age(self) -> float:
        """Seconds since the first record of the batch came; 0 while it is empty."""
        return self._clock() - self._opened_at if self._rows else 0.0

    def add(self, batch: Batch) -> int:
        """Take in what was polled: at most ``room`` records, or one; return their bytes."""
        if not len(batch):
            return 0
        if not self._rows:
            self._opened_at = self._clock()
        sizes = batch.records.sizes()
        self._gathered.append(batch)
        self._sizes.append(sizes)
        self._rows += len(batch)
        self._mean_bytes = max(1, int(sizes.mean()))
        size = int(sizes.sum())
        self._bytes += size
        return size

    def time_left(self) -> float | None:
        """Seconds until the batch closes by delay; None while it is empty."""
        return max(0.0, self._policy.max_delay_ms / 1000 - self.age) if self._rows else None

    def due(self) -> bool:
        """Whether the batch is full or old enough."""
        return self._rows > 0 and (self.room <= 0 or self.time_left() == 0)

    def take(self) -> Batch | None:
        """The batch as it is, and begin another; None when empty.

        Of more bytes than the policy allows, the first records that keep to it, one at least; the
        rest stays, as old as it is.
        """
        if not self._rows:
            return None
        batch = _joined(self._gathered)
        ends = np.cumsum(np.concatenate(self._sizes))
        fitting = int(np.searchsorted(ends, self._policy.max_batch_bytes, side="right"))
        taken = min(max(1, fitting), len(batch))
        rest = batch.rows(taken, len(batch))
        self._gathered, self._sizes, self._rows, self._bytes = [], [], 0, 0
        if len(rest):
            sizes = rest.records.sizes()
            self._gathered, self._sizes = [rest], [sizes]
            self._rows, self._bytes = len(rest), int(sizes.sum())
        return batch.rows(0, taken)


def _joined(gathered: list[Batch]) -> Batch:
    if len(gathered) == 1:
        return gathered[0]
    parts = [batch.records for batch in gathered]
    return Batch(
        records=Records(
            topic=parts[0].topic,
            partitions=np.concatenate([part.partitions for part in parts]),
            offsets=np.concatenate([part.offsets for part in parts]),
            timestamps=np.concatenate([part.timestamps for part in parts]),
            keys=[key for part in parts for key in part.keys],
            values=[value for part in parts for value in part.values],
            headers=[headers for part in parts for headers in part.headers],
        ),
        epochs=np.concatenate([batch.epochs for batch in gathered]),
    )
