"""A member of a group that remembers what it was given and told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from workers.log.contract import Headers, Log, Records, TopicPartition

# Long enough for the slowest machine; nothing waits for it in vain but a test that fails.
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Row:
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Reader:
    """Commits what it has read when partitions are revoked, if told to."""

    def __init__(self, log: Log, topic: str, *, commits: bool = True) -> None:
        self.topic = topic
        self.rows: list[Row] = []
        self.held: set[TopicPartition] = set()
        self.told: list[tuple[str, frozenset[TopicPartition]]] = []
        self.next: dict[TopicPartition, int] = {}
        self._commits = commits
        self.source = log.source()
        self.source.subscribe(topic, self)

    def on_assigned(self, partitions: Iterable[TopicPartition]) -> None:
        fresh = frozenset(partitions)
        self.told.append(("assigned", fresh))
        self.held |= fresh

    def on_revoked(self, partitions: Iterable[TopicPartition]) -> None:
        gone = frozenset(partitions)
        self.told.append(("revoked", gone))
        self.held -= gone
        if self._commits:
            self.source.commit({p: at for p, at in self.next.items() if p in gone})
        for place in gone:
            self.next.pop(place, None)

    def on_lost(self, partitions: Iterable[TopicPartition]) -> None:
        gone = frozenset(partitions)
        self.told.append(("lost", gone))
        self.held -= gone
        for place in gone:
            self.next.pop(place, None)

    def poll(self, most: int = 500, timeout: float = 0.1) -> Records:
        records = self.source.poll(most, timeout)
        for partition, offset, key, value, headers in zip(
            records.partitions.tolist(),
            records.offsets.tolist(),
            records.keys,
            records.values,
            records.headers,
            strict=True,
        ):
            self.rows.append(Row(partition, offset, key, value, headers))
            self.next[TopicPartition(self.topic, partition)] = offset + 1
        return records

    def commit(self) -> None:
        self.source.commit(self.next)

    @property
    def values(self) -> list[bytes | None]:
        return [row.value for row in self.rows]

    def until(self, count: int) -> Reader:
        """Poll until so many rows were read."""
        poll_until([self], lambda: len(self.rows) >= count)
        return self

    def until_assigned(self, count: int) -> Reader:
        """Poll until so many partitions are held."""
        poll_until([self], lambda: len(self.held) >= count)
        return self


def poll_until(readers: Iterable[Reader], satisfied: Callable[[], bool]) -> None:
    """Poll all in turn until satisfied."""
    readers = list(readers)
    deadline = time.monotonic() + PATIENCE
    while not satisfied():
        assert time.monotonic() < deadline, [reader.told for reader in readers]
        for reader in readers:
            reader.poll()
