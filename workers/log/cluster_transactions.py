"""Transactions on Kafka: rows and positions at once, or nothing (KIP-98, KIP-447)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Final, Protocol

import structlog

from workers.errors import LogError, LogUnavailableError, RecordTooLargeError, WorkerError
from workers.log.connection import Connection
from workers.log.contract import Membership, Outgoing, TopicPartition
from workers.log.kafka_committed import are_committed
from workers.log.kafka_limits import TopicLimits
from workers.log.sendable import largest_row, unsendable
from workers.log.transactions import Positions

journal = structlog.get_logger(__name__)

# An abort is a courtesy to readers, who wait for the transaction's end: whoever comes next under
# this name, or the transaction's timeout, ends it as well.
_ABORT_SECONDS: Final = 5.0


class Transactor(Protocol):
    """A client's producer, for one transaction after the other until it meets an error.

    What its methods raise is a `WorkerError`, about what it met first: what comes behind may say
    no more than that there was an error. Times are in seconds.
    """

    def begin(self) -> None:
        """Begin a transaction."""
        ...

    def publish(self, outgoing: Sequence[Outgoing], until: float) -> None:
        """Send all rows; return when all are acknowledged, by then (monotonic)."""
        ...

    def add(
        self, member: Membership, positions: Mapping[TopicPartition, int], timeout: float
    ) -> None:
        """Let the transaction commit positions."""
        ...

    def commit(self, timeout: float) -> None:
        """Commit the transaction; after an error it may be committed all the same."""
        ...

    def abort(self, timeout: float) -> None:
        """Abort the transaction."""
        ...

    def end(self, timeout: float) -> None:
        """Let go; what is not acknowledged by then fails."""
        ...


class Transactors(Protocol):
    """Makes a client's producers under one name.

    Attributes:
        limits: What the topics take of them.
    """

    limits: TopicLimits

    def opened(self, timeout: float) -> Transactor:
        """A new one, which has taken over the name: what was left open has ended.

        Raises:
            WorkerError: not done within ``timeout`` seconds.
        """
        ...

    def fits(self, limit: int) -> bool:
        """Whether batches of rows are no larger than that many bytes; if not, the next one's are.

        Topics refuse a batch that is too large, unless the client splits it then.
        """
        ...


class ClusterTransactions:
    """`workers.log.transactions.Transactions` on a Kafka cluster, behind either client.

    A producer that met an error is replaced. Its successor takes over the name, which ends
    whatever was left open, one way or the other; if the error came while the transaction was
    being committed, positions tell which way it was.

    Args:
        connection: How to reach the cluster.
        transactors: Makes the producers.
    """

    def __init__(self, connection: Connection, transactors: Transactors) -> None:
        self._connection = connection
        self._transactors = transactors
        self._limits = transactors.limits
        self._lock = Lock()
        self._transactor: Transactor | None = None
        self._begun = self._closed = False
        # Whether the last transaction failed, perhaps because a topic is not there any more.
        self._failed = False
        # What was to be committed when the answer stayed away.
        self._unanswered: Positions | None = None

    def commit(
        self, outgoing: Sequence[Outgoing], positions: Positions, timeout: float
    ) -> Sequence[Mapping[int, Exception]]:
        """See `workers.log.transactions.Transactions`."""
        deadline = time.monotonic() + timeout
        if not self._lock.acquire(timeout=timeout):
            raise LogUnavailableError("another transaction of this replica is still under way")
        try:
            with self._replacing():
                self._opened(deadline)
                if self._was_committed(positions):
                    return []
                if self._failed:
                    for rows in outgoing:
                        self._limits.confirm(rows.topic)
                refused = [self._unsendable(rows) for rows in outgoing]
                if any(refused):
                    return refused
                transactor = self._fitting(outgoing, deadline)
                return self._transact(transactor, outgoing, positions, deadline)
        finally:
            self._lock.release()

    def max_record_bytes(self, topic: str) -> int:
        """See `workers.log.transactions.Transactions`."""
        return self._limits.max_record_bytes(topic)

    def close(self, timeout: float) -> None:
        """See `workers.log.transactions.Transactions`."""
        deadline = time.monotonic() + timeout
        self._closed = True
        quiet = self._lock.acquire(timeout=timeout)
        try:
            transactor, self._transactor = self._transactor, None
            if transactor is not None:
                if quiet and self._begun:
                    _abort(transactor)
                transactor.end(_left(deadline))
        finally:
            if quiet:
                self._lock.release()

    def _opened(self, deadline: float) -> Transactor:
        """The producer of the moment; a new one ends what its predecessor left open."""
        if self._closed:
            raise LogError("the transactions are closed")
        if self._transactor is None:
            self._transactor = self._transactors.opened(_left(deadline))
        return self._transactor

    def _fitting(self, outgoing: Sequence[Outgoing], deadline: float) -> Transactor:
        """A producer whose batches all of the topics take."""
        limits = [self._limits.max_record_bytes(rows.topic) for rows in outgoing if len(rows)]
        if limits and not self._transactors.fits(min(limits)) and self._transactor is not None:
            self._transactor.end(0.0)
            self._transactor = None
        return self._opened(deadline)

    def _transact(
        self,
        transactor: Transactor,
        outgoing: Sequence[Outgoing],
        positions: Positions,
        deadline: float,
    ) -> Sequence[Mapping[int, Exception]]:
        self._begun = True
        transactor.begin()
        try:
            transactor.publish(outgoing, deadline)
        except RecordTooLargeError as error:
            self._give_up()
            return self._refused(outgoing, error)
        for member, offsets in positions.items():
            transactor.add(member, offsets, _left(deadline))
        self._unanswered = positions
        transactor.commit(_left(deadline))
        self._unanswered = None
        self._begun = self._failed = False
        return []

    def _refused(
        self, outgoing: Sequence[Outgoing], error: RecordTooLargeError
    ) -> Sequence[Mapping[int, Exception]]:
        """Which rows are too large, once the broker has found one."""
        for rows in outgoing:
            self._limits.forget(rows.topic)
        known = [self._unsendable(rows) for rows in outgoing]
        if any(known):
            return known
        # What the topic says it takes has not changed, so it must be the largest.
        guilty, row = largest_row(outgoing)
        return [{row: error} if place == guilty else {} for place in range(len(outgoing))]

    def _unsendable(self, outgoing: Outgoing) -> dict[int, Exception]:
        if not len(outgoing):
            return {}
        return unsendable(outgoing, self._limits.max_record_bytes(outgoing.topic))

    def _was_committed(self, positions: Positions) -> bool:
        """Whether a transaction whose answer stayed away is this one, and was committed.

        The producer has been opened since, so it has ended.
        """
        if self._unanswered is None:
            return False
        committed = self._unanswered == positions and are_committed(self._connection, positions)
        # If it was another, its rows are of no more concern to the caller.
        self._unanswered = None
        return committed

    @contextmanager
    def _replacing(self) -> Iterator[None]:
        """A producer that met an error is given up."""
        try:
            yield
        except WorkerError:
            self._give_up()
            raise

    def _give_up(self) -> None:
        transactor, self._transactor = self._transactor, None
        self._failed = True
        if transactor is None:
            return
        if self._begun and self._unanswered is None:
            _abort(transactor)
        self._begun = False
        transactor.end(0.0)


def _abort(transactor: Transactor) -> None:
    try:
        transactor.abort(_ABORT_SECONDS)
    except WorkerError as error:
        journal.info("a transaction is left for the cluster to end", error=str(error))


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())
