"""Which partition each row goes to: by key as Kafka's own clients do, else spread in runs."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np

from workers.log.contract import Outgoing
from workers.log.murmur2 import murmur2

# Rows without a key go to one partition in runs of at least so many: batches are per partition,
# and many small ones cost more than few large ones (KIP-480).
_RUN: Final = 64


class Partitioner:
    """Assigns partitions to whole columns. Thread-safe."""

    def __init__(self) -> None:
        self._turn = itertools.count()

    def assign(self, outgoing: Outgoing, count: int, led: list[int]) -> list[int]:
        """A partition for each row.

        Args:
            outgoing: The rows.
            count: Partitions of the topic. A key's partition follows from it and the key alone.
            led: Those that have a leader; rows without a key go to these.

        Returns:
            n partition numbers.
        """
        if outgoing.partitions is not None:
            return list(outgoing.partitions)
        keyed = [row for row, key in enumerate(outgoing.keys) if key is not None]
        partitions = np.empty(len(outgoing), np.int64)
        if keyed:
            hashes = murmur2([key for key in outgoing.keys if key is not None])
            # Kafka's Utils.toPositive, then the remainder.
            partitions[keyed] = (hashes & np.uint32(0x7FFFFFFF)) % np.uint32(count)
        if len(keyed) < len(outgoing):
            keyless = np.setdiff1d(np.arange(len(outgoing)), keyed, assume_unique=True)
            run = max(_RUN, -(-len(keyless) // len(led)))
            turns = next(self._turn) + np.arange(len(keyless)) // run
            partitions[keyless] = np.asarray(led)[turns % len(led)]
        assigned: list[int] = partitions.tolist()
        return assigned
