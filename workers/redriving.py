"""Sends dead letters back to where they came from: none twice, at a bounded rate.

A letter goes to its origin's topic and partition with key, value and all headers, so that the
worker finds the first origin in them. Each batch goes out in one transaction with the positions
up to which letters have been dealt with; whoever is stopped, in whatever way, goes on from there.

Redrives share one name of transactions: whoever takes it over ends what the one before left open,
and only then looks up the positions, so that two at a time send nothing twice either.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from workers.dead_letters import Letters, letters_of
from workers.errors import ConfigurationError, LogUnavailableError
from workers.log.contract import Headers, Outgoing, TopicPartition
from workers.redrive_fates import Fate, RedriveTally, Sorter
from workers.redrive_positions import Positions, RedrivePositions, members
from workers.retrying import Reporter, retrying

if TYPE_CHECKING:
    from workers.log.lookup import Lookup
    from workers.log.transactions import Transactions
    from workers.range_reader import RangeReader
    from workers.settings.policies import RetryPolicy

# Letters that are looked at before positions are committed, also where few of them are sent.
_MOST_LOOKED_AT: Final = 10_000
# The look at the clock between two waits.
_WAIT_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class RedrivePolicy:
    """How fast letters are sent.

    Attributes:
        rate: Most letters a second.
        batch: Most letters in a transaction; fewer where that is more than a second's worth.
        batch_bytes: Most bytes in a transaction; a single larger letter is one of its own.
        timeout_s: Longest that one transaction may take before it is tried again, seconds.
    """

    rate: float = 500.0
    batch: int = 500
    batch_bytes: int = 16 * 1024 * 1024
    timeout_s: float = 30.0

    @property
    def rows(self) -> int:
        """Most letters in a transaction."""
        return max(1, min(self.batch, int(self.rate)))


@dataclass(slots=True, kw_only=True)
class _Batch:
    """What has been looked at since the last transaction."""

    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    headers: list[Headers] = field(default_factory=list)
    partitions: list[int] = field(default_factory=list)
    origins: list[tuple[str, TopicPartition, int]] = field(default_factory=list)
    size: int = 0
    looked_at: int = 0
    reached: dict[TopicPartition, int] = field(default_factory=dict)
    tally: RedriveTally = field(default_factory=RedriveTally)

    def __len__(self) -> int:
        return len(self.values)

    def outgoing(self, topic: str) -> Outgoing:
        """The records to publish."""
        return Outgoing(
            topic=topic,
            keys=self.keys,
            values=self.values,
            headers=self.headers,
            partitions=self.partitions,
        )

    def drop(self, rows: list[int]) -> None:
        """Take rows out that can never be sent."""
        for row in sorted(rows, reverse=True):
            self.tally.note(Fate.UNSENDABLE, *self.origins[row])
            for column in (self.keys, self.values, self.headers, self.partitions, self.origins):
                del column[row]


def claim(
    transactions: Transactions, *, policy: RedrivePolicy, retry: RetryPolicy, stop: threading.Event
) -> None:
    """End what an earlier redrive left open, and keep it from doing anything more.

    Positions that are looked up afterwards are nobody else's to move.

    Raises:
        LogUnavailableError: told to stop before the log could be reached.
        WorkerError: the log refuses it.
    """
    event = "the earlier redrive cannot be ended and that is tried again"
    retrying(retry, stop, Reporter(retry), event)(transactions.commit, [], {}, policy.timeout_s)


class Redrive:
    """One redrive, after `claim`.

    Args:
        reader: Of the range of dead letters.
        sorter: Decides what becomes of each.
        positions: As looked up after `claim`.
        topic: Where letters are sent back to.
        transactions: Claimed.
        lookup: Asked how a transaction ended that gave no answer.
        dead_letter_topic: Where letters are read.
        policy: How fast.
        retry: How faults that pass are waited out.
        stopping: Ends it after the batch in hand.
        clock: Seconds, monotonic.
        pause: Waits for so many seconds, or until ``stopping`` is set.
    """

    def __init__(
        self,
        reader: RangeReader,
        sorter: Sorter,
        positions: RedrivePositions,
        *,
        topic: str,
        transactions: Transactions,
        lookup: Lookup,
        dead_letter_topic: str,
        policy: RedrivePolicy,
        retry: RetryPolicy,
        stopping: threading.Event,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self.tally = RedriveTally()
        self._reader = reader
        self._sorter = sorter
        self._positions = positions
        self._topic = topic
        self._transactions = transactions
        self._lookup = lookup
        self._dead_letter_topic = dead_letter_topic
        self._policy = policy
        self._stopping = stopping
        self._clock = clock
        self._pause = pause or stopping.wait
        self._retrying = retrying(
            retry, stopping, Reporter(retry), "sending letters back fails and is tried again"
        )
        # When the next batch may go out; after an outage nothing is made up for.
        self._due = 0.0
        self._batch = _Batch()

    def run(self) -> Iterator[RedriveTally]:
        """Send what is to be sent; tell what became of it after each transaction.

        Ends early once ``stopping`` is set; what was not sent then is sent by the next redrive.

        Raises:
            ConfigurationError: another redrive has been started.
            LogUnavailableError: told to stop while the log could not be reached; the next redrive
                finds out whether the last transaction was committed.
            WorkerError: the log refuses it.
        """
        self._due = self._clock()
        for records in self._reader.turns():
            letters = letters_of(records)
            self._batch.tally.not_ours += len(records) - len(letters)
            self._batch.looked_at += len(records)
            yield from self._sort(letters)
            if self._stopping.is_set():
                return
            self._batch.reached.update(self._reader.reached)
            if len(self._batch) >= self._policy.rows or self._batch.looked_at >= _MOST_LOOKED_AT:
                yield from self._send()
        if not self._stopping.is_set():
            self._batch.reached.update(self._reader.reached)
            yield from self._send()

    def _sort(self, letters: Letters) -> Iterator[RedriveTally]:
        records = letters.records
        sizes = records.sizes().tolist()
        for row, (fate, partition, offset) in enumerate(
            zip(
                self._sorter.fates(letters),
                records.partitions.tolist(),
                records.offsets.tolist(),
                strict=True,
            )
        ):
            place = TopicPartition(records.topic, partition)
            if fate is Fate.SENT:
                if self._is_full(sizes[row]):
                    yield from self._send()
                    if self._stopping.is_set():
                        return
                self._add(letters, row, place, offset, sizes[row])
            else:
                self._batch.tally.note(fate, letters.causes[row], place, offset)
            self._batch.reached[place] = offset + 1

    def _is_full(self, more: int) -> bool:
        batch = self._batch
        return len(batch) >= self._policy.rows or (
            len(batch) > 0 and batch.size + more > self._policy.batch_bytes
        )

    def _add(
        self, letters: Letters, row: int, place: TopicPartition, offset: int, size: int
    ) -> None:
        records, batch, origin = letters.records, self._batch, letters.origins[row]
        if origin is None:
            raise AssertionError("letters without an origin are refused")
        batch.keys.append(records.keys[row])
        batch.values.append(None if letters.original_nulls[row] else records.values[row])
        batch.headers.append(records.headers[row])
        batch.partitions.append(origin.partition)
        batch.origins.append((letters.causes[row], place, offset))
        batch.size += size

    def _send(self) -> Iterator[RedriveTally]:
        """Send the batch at its time, unless told to stop while waiting for it."""
        while len(self._batch) and (early := self._due - self._clock()) > 0:
            if self._stopping.is_set():
                return
            self._pause(min(early, _WAIT_S))
        moved = self._positions.beyond(self._batch.reached)
        if self._stopping.is_set() or not (moved or self._batch.looked_at):
            return
        batch, self._batch = self._batch, _Batch()
        self._due = self._clock() + len(batch) / self._policy.rate
        if moved:
            self._commit(batch, moved)
            self._positions.committed(moved)
        for cause, place, offset in batch.origins:
            batch.tally.note(Fate.SENT, cause, place, offset)
        batch.tally.bytes_sent += batch.size
        self.tally.add(batch.tally)
        yield self.tally

    def _commit(self, batch: _Batch, moved: Positions) -> None:
        doubtful = False

        def attempt() -> None:
            nonlocal doubtful
            if doubtful and self._was_committed(moved):
                return
            doubtful = False
            try:
                while refused := self._transact(batch, moved):
                    batch.drop(list(refused))
            except LogUnavailableError:
                doubtful = True
                raise

        self._retrying(attempt)

    def _transact(self, batch: _Batch, moved: Positions) -> Mapping[int, Exception]:
        outgoing = [batch.outgoing(self._topic)] if len(batch) else []
        refused = self._transactions.commit(outgoing, members(moved), self._policy.timeout_s)
        return refused[0] if refused else {}

    def _was_committed(self, moved: Positions) -> bool:
        """How a transaction without an answer ended, once it has ended.

        While we were away another redrive may have taken over the name, and we take it back here:
        then the positions are neither those before nor those after.

        Raises:
            ConfigurationError: so it is.
        """
        self._transactions.commit([], {}, self._policy.timeout_s)
        standing = self._lookup.committed(list(moved), self._dead_letter_topic)
        now = {
            group: {place: standing[group].get(place) for place in offsets}
            for group, offsets in moved.items()
        }
        if now == moved:
            return True
        if now == self._positions.before(moved):
            return False
        raise ConfigurationError(
            "another redrive of these letters was started meanwhile; nothing is lost or sent "
            "twice. See that one runs at a time, and start it again"
        )
