"""Where records come from: topic, partition, offset and timestamp."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Origin(NamedTuple):
    """The origin of one record.

    ``timestamp`` is milliseconds since the epoch, -1 where the log has none.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Origins:
    """The origins of n records, as parallel columns.

    Attributes:
        topics: n topics; records sent back from the dead letters have their first.
        partitions: int32[n].
        offsets: int64[n].
        timestamps: int64[n], milliseconds since the epoch; -1 where the log has none.
    """

    topics: Sequence[str]
    partitions: NDArray[np.int32]
    offsets: NDArray[np.int64]
    timestamps: NDArray[np.int64]

    @classmethod
    def of_topic(
        cls,
        topic: str,
        partitions: NDArray[np.int32],
        offsets: NDArray[np.int64],
        timestamps: NDArray[np.int64],
    ) -> Origins:
        """Records that all come from one topic."""
        return cls(
            topics=[topic] * len(offsets),
            partitions=partitions,
            offsets=offsets,
            timestamps=timestamps,
        )

    def __len__(self) -> int:
        return len(self.topics)

    def take(self, rows: NDArray[np.integer]) -> Origins:
        """The origins of these rows, in this order."""
        return Origins(
            topics=[self.topics[row] for row in rows.tolist()],
            partitions=self.partitions[rows],
            offsets=self.offsets[rows],
            timestamps=self.timestamps[rows],
        )

    def replaced(self, others: Mapping[int, Origin]) -> Origins:
        """The same, but for these rows."""
        if not others:
            return self
        topics = list(self.topics)
        partitions = self.partitions.copy()
        offsets = self.offsets.copy()
        timestamps = self.timestamps.copy()
        for row, other in others.items():
            topics[row], partitions[row], offsets[row], timestamps[row] = other
        return Origins(topics=topics, partitions=partitions, offsets=offsets, timestamps=timestamps)
