"""Publishes a batch and its positions in one transaction, so that each event comes out once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workers.batching import Batch
from workers.committing import report_failed
from workers.composer import Composer, Parcel
from workers.errors import AssignmentLostError, LogUnavailableError, RecordTooLargeError
from workers.health import Health
from workers.judge import Scored
from workers.log.contract import Membership, TopicPartition
from workers.log.transactions import Transactions
from workers.metrics.meters import Discard, Meters, Step
from workers.offsets import OffsetTracker
from workers.retrying import Reporter, retrying
from workers.settings.policies import RetryPolicy, Topics

# Positions that are committed without rows wait for no longer than a plain commit would: the
# owner of the source must go on polling.
_ALONE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proposal:
    """One transaction.

    Attributes:
        member: Whose generation fences it.
        rows: int64[k], rows of the batch that it delivers.
        parcels: What it publishes of them.
        positions: What it commits.
    """

    member: Membership
    rows: NDArray[np.int64]
    parcels: Sequence[Parcel]
    positions: Mapping[TopicPartition, int]


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
        meters: Count and measure.
        health: Told of faults, and that a wait for the log is one.
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
        meters: Meters,
        health: Health,
    ) -> None:
        self._transactions = transactions
        self._membership = membership
        self._tracker = tracker
        self._topics = topics
        self._composer = composer
        self._timeout = timeout
        self._meters = meters
        self._health = health
        self._stopping = threading.Event()
        self._reporter = Reporter(retry)
        self._retrying = retrying(
            retry,
            self._stopping,
            self._reporter,
            "a transaction fails and is tried again",
            self._failed,
        )
        # Held from asking who we are until what was committed is entered, between attempts too:
        # another transaction would hide how one that got no answer ended.
        self._turn = threading.Lock()

    def open(self) -> None:
        """See `Composer.open`."""
        self._composer.open(self._transactions.max_record_bytes)

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
            with self._meters.timed(Step.COMMIT):
                self._transactions.commit([], {member: positions}, min(left, _ALONE_SECONDS))
            self._tracker.committed(positions)
        except (LogUnavailableError, AssignmentLostError) as error:
            report_failed(self._reporter, error)
            return False
        finally:
            self._turn.release()
        return True

    def _deliver(self, batch: Batch, rows: NDArray[np.int64], parcels: Sequence[Parcel]) -> None:
        proposed: _Proposal | None = None

        def attempt() -> Sequence[Mapping[int, Exception]]:
            nonlocal proposed
            # Until a proposal is refused it stays the same, for only so can the log tell whether
            # one that got no answer was committed.
            try:
                proposed = proposed or self._propose(batch, rows, parcels)
                if proposed is None:
                    return []
                return self._transactions.commit(
                    [parcel.outgoing for parcel in proposed.parcels],
                    {proposed.member: proposed.positions},
                    self._timeout,
                )
            except AssignmentLostError as error:
                # The source joins anew meanwhile; then the fence is another.
                proposed = None
                raise LogUnavailableError(str(error)) from error

        with self._meters.timed(Step.PUBLISH), self._turn:
            while any(refused := self._retrying(attempt)):
                parcels = self._without(proposed.parcels if proposed else [], refused)
                proposed = None
            if proposed is not None:
                self._enter(batch, proposed)
        self._health.log_back(Step.PUBLISH)
        delivered = 0 if proposed is None else len(proposed.rows)
        self._meters.discarded(Discard.LOST, len(rows) - delivered)

    def _failed(self, error: BaseException | None) -> None:
        self._health.moved(Step.PUBLISH)
        self._health.log_away(Step.PUBLISH, error)

    def _propose(
        self, batch: Batch, rows: NDArray[np.int64], parcels: Sequence[Parcel]
    ) -> _Proposal | None:
        """What to commit of the rows that are still ours; None if none is.

        Raises:
            AssignmentLostError: we are no member of the group just now.
        """
        if not self._tracker.open_rows(batch.epochs)[rows].any():
            return None
        member = self._membership()
        ours = self._tracker.open_rows(batch.epochs)
        live = rows[ours[rows]]
        if not len(live):
            return None
        records = batch.records
        partitions, offsets = records.partitions[live], records.offsets[live]
        return _Proposal(
            member=member,
            rows=live,
            parcels=[parcel.only(np.flatnonzero(ours[parcel.rows])) for parcel in parcels],
            positions={
                TopicPartition(records.topic, number): int(offsets[partitions == number].max()) + 1
                for number in np.unique(partitions).tolist()
            },
        )

    def _enter(self, batch: Batch, done: _Proposal) -> None:
        """Settle what was committed, and count it."""
        records, rows = batch.records, done.rows
        self._tracker.settle(
            records.topic, records.partitions[rows], records.offsets[rows], batch.epochs[rows]
        )
        self._tracker.committed(done.positions)
        dead = sum(
            len(parcel.rows)
            for parcel in done.parcels
            if parcel.outgoing.topic == self._topics.dead_letter_topic
        )
        sent = sum(len(parcel.rows) for parcel in done.parcels)
        self._meters.acknowledged(verdicts=sent - dead, dead=dead)

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
