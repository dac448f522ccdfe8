"""Publishes a batch and its positions in one transaction, so that each event comes out once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workers.batching import Batch
from workers.committing import report_failed
from workers.composer import Composer, Parcel
from workers.errors import AssignmentLostError, LogUnavailableError, RecordTooLargeError
from workers.judge import Scored
from workers.log.contract import Membership, TopicPartition, Transactions
from workers.offsets import OffsetTracker
from workers.retrying import Reporter, retrying
from workers.settings.policies import RetryPolicy, Topics
from workers.tally import Tally

# Positions that are committed without rows wait for no longer than a plain commit would: the
# owner of the source must go on polling.
_ALONE_SECONDS: Final = 10.0


class TransactionalPublisher:
    """The last step of a pipeline that delivers exactly once; also its `Committer`.

    A transaction is fenced by the group's generation. Who we are is asked first, then which rows
    are of partitions that are still ours: once a partition is somebody else's, the group is in a
    later generation, and the transaction comes to nothing. Rows of partitions that have gone are
    left to their next owner.

    Args:
        transactions: Where to.
        membership: What we are to the group just now.
        tracker: Which rows are whose, and what is settled.
        topics: Names of the topics.
        composer: Makes the rows.
        retry: How faults that pass are waited out.
        timeout: Seconds that one transaction may take: after its timeout the cluster ends it.
        tally: Counts.
    """

    def __init__(
        self,
        transactions: Transactions,
        *,
        membership: Callable[[], Membership],
        tracker: OffsetTracker,
        topics: Topics,
        composer: Composer,
        retry: RetryPolicy,
        timeout: float,
        tally: Tally,
    ) -> None:
        self._transactions = transactions
        self._membership = membership
        self._tracker = tracker
        self._topics = topics
        self._composer = composer
        self._timeout = timeout
        self._tally = tally
        self._stopping = threading.Event()
        self._reporter = Reporter(retry)
        self._retrying = retrying(
            retry, self._stopping, self._reporter, "a transaction fails and is tried again"
        )
        # Held from asking who we are until what was committed is entered.
        self._turn = threading.Lock()

    def open(self) -> None:
        """Ask the topics what they take, so that a missing one stops us before we read anything.

        Raises:
            TopicMissingError: one of them does not exist.
            LogUnavailableError: the log cannot be asked just now.
        """
        self._transactions.max_record_bytes(self._topics.verdict_topic)
        largest = self._transactions.max_record_bytes(self._topics.dead_letter_topic)
        self._composer.max_dead_bytes = largest

    def publish(self, scored: Scored) -> None:
        """Deliver a batch, or a part of it; returns when it is committed."""
        rows = np.sort(
            np.concatenate([scored.rows, *(some.rows for some in scored.rejects.values())])
        )
        self._deliver(scored.batch, rows, list(self._composer.parcels(scored)))

    def idle(self) -> None:
        """Nothing is ever left on its way."""

    def finish(self, deadline: float) -> None:
        """Nothing is ever left on its way."""

    def stop_retrying(self) -> None:
        """From any thread: do not wait before the next attempt."""
        self._stopping.set()

    def close(self, timeout: float) -> None:
        """Abort what is under way; let go of connections."""
        self._transactions.close(timeout)

    def commit(
        self, partitions: Iterable[TopicPartition] | None = None, timeout: float = 0.0
    ) -> bool:
        """See `workers.committing.Committer`: positions past gaps, which no rows stand behind."""
        deadline = time.monotonic() + timeout
        if not self._turn.acquire(timeout=timeout):
            return False
        try:
            member = self._membership()
            positions = self._tracker.committable(partitions)
            if not positions:
                return True
            left = max(0.0, deadline - time.monotonic()) or _ALONE_SECONDS
            self._transactions.commit([], {member: positions}, min(left, _ALONE_SECONDS))
            self._tracker.committed(positions)
        except (LogUnavailableError, AssignmentLostError) as error:
            report_failed(self._reporter, error)
            return False
        finally:
            self._turn.release()
        return True

    def _deliver(self, batch: Batch, rows: NDArray[np.int64], parcels: Sequence[Parcel]) -> None:
        def attempt() -> Sequence[Mapping[int, Exception]]:
            with self._turn:
                try:
                    return self._transact(batch, rows, parcels)
                except AssignmentLostError as error:
                    # The source joins anew meanwhile; then the fence is another.
                    raise LogUnavailableError(str(error)) from error

        while any(refused := self._retrying(attempt)):
            parcels = self._without(parcels, refused)

    def _transact(
        self, batch: Batch, rows: NDArray[np.int64], parcels: Sequence[Parcel]
    ) -> Sequence[Mapping[int, Exception]]:
        member = self._membership()
        ours = self._tracker.open_rows(batch.epochs)
        live = rows[ours[rows]]
        if not len(live):
            return []
        sent = [parcel.only(np.flatnonzero(ours[parcel.rows])) for parcel in parcels]
        records = batch.records
        partitions, offsets = records.partitions[live], records.offsets[live]
        positions = {
            TopicPartition(records.topic, number): int(offsets[partitions == number].max()) + 1
            for number in np.unique(partitions).tolist()
        }
        refused = self._transactions.commit(
            [parcel.outgoing for parcel in sent], {member: positions}, self._timeout
        )
        if any(refused):
            # By their place in the parcels as they were, those of others included.
            return [
                {int(np.flatnonzero(ours[parcel.rows])[row]): error for row, error in some.items()}
                for parcel, some in zip(parcels, refused, strict=True)
            ]
        self._tracker.settle(records.topic, partitions, offsets, batch.epochs[live])
        self._tracker.committed(positions)
        dead = sum(len(p.rows) for p in sent if p.outgoing.topic == self._topics.dead_letter_topic)
        self._tally.acknowledged(verdicts=sum(len(p.rows) for p in sent) - dead, dead=dead)
        return []

    def _without(
        self, parcels: Sequence[Parcel], refused: Sequence[Mapping[int, Exception]]
    ) -> list[Parcel]:
        """Verdicts that are too large for their topic become dead letters.

        Raises:
            WorkerError: a refusal that does not concern one record alone.
        """
        kept = []
        for parcel, errors in zip(parcels, refused, strict=True):
            if not errors:
                kept.append(parcel)
                continue
            for error in errors.values():
                if (
                    not isinstance(error, RecordTooLargeError)
                    or parcel.outgoing.topic != self._topics.verdict_topic
                ):
                    raise error
            rest = np.delete(np.arange(len(parcel.rows)), list(errors))
            kept += [parcel.only(rest), self._composer.unpublishable(parcel, errors)]
        return kept
