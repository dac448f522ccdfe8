"""The way of the data: poll, decode, featurise, score, judge, encode, publish, settle, commit.

One thread, the caller's, owns the source: it polls, gathers batches and commits. Three more
(`workers.stages`) prepare, score and publish, a batch each. Rows settle when the log has
acknowledged their verdict or dead letter; positions follow (`workers.offsets`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import cast

import structlog

from workers.batching import Batch, Batcher
from workers.committing import Committer, PositionCommitter
from workers.composer import Composer
from workers.errors import AssignmentLostError, LogUnavailableError
from workers.gate import Gate
from workers.health import Health
from workers.intake import PATIENCE_SECONDS, Intake
from workers.judge import Judge, Scored
from workers.log.contract import Sink, Source, TopicPartition
from workers.log.transactions import Transactions
from workers.metrics.meters import Meters
from workers.metrics.service import ServiceMeters
from workers.offsets import OffsetTracker
from workers.publisher import Publisher
from workers.retrying import Reporter, retrying
from workers.service.bench import Bench
from workers.settings.policies import Settings
from workers.stages import Chain, Step
from workers.tally import Tally
from workers.transactional import TransactionalPublisher
from workers.vitals import Vitals

journal = structlog.get_logger(__name__)

# Longest wait in one poll. Short enough that a stop, a failure of another thread or a commit that
# is due is seen soon; a poll that returns records does not wait.
POLL_SECONDS = 0.1
# What the sink gets beyond the shutdown time to let go of its connections.
CLOSE_SECONDS = 1.0


class Pipeline:
    """Moves records from one topic to verdicts and dead letters, until stopped.

    Args:
        source: Where records come from; owned by the thread that calls `run`.
        output: Where verdicts and dead letters go: a sink delivers them at least once,
            transactions exactly once.
        judge: Decides; a bench is closed in the end.
        settings: Policies.
        meters: Count and measure, for whoever shows it.
        health: Told what goes well and what does not.
        clock: Seconds, monotonic.

    Attributes:
        meters: As given.
        health: As given.
        tally: What the meters have counted.
    """

    def __init__(
        self,
        source: Source,
        output: Sink | Transactions,
        judge: Judge | Bench,
        settings: Settings,
        *,
        meters: Meters | None = None,
        health: Health | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._settings = settings
        self._clock = clock
        self.meters = meters or Meters(settings.detector)
        self.health = health or Health.of(settings)
        self.tally = Tally(self.meters.series)
        self._tracker = OffsetTracker()
        self._vitals = Vitals(self.meters, self.health, self._tracker, clock)
        self._gate = Gate(source, settings.breaker, self._vitals, clock)
        self._failed = False
        self._stop = threading.Event()
        self._next_commit = 0.0
        self._reporter = Reporter(settings.retry, clock)
        self._publisher, self._committer = self._delivering(output)
        self._bench = bench = (
            judge
            if isinstance(judge, Bench)
            else Bench(judge, ServiceMeters(self.meters.series), retry=settings.retry)
        )
        self._chain = Chain(
            [
                Step(
                    name="prepare",
                    work=self.health.watched_each("prepare", bench.prepare),
                    many=True,
                ),
                Step(
                    name="score",
                    work=self.health.watched_each("score", bench.score),
                    many=True,
                ),
                Step(
                    name="publish",
                    work=self.health.watched("publish", self._publish),
                    idle=self._publisher.idle,
                    finish=self._publisher.finish,
                ),
            ]
        )
        self._intake = Intake(source, self._chain, Batcher(settings.batch, clock), self.meters)
        self._retrying = retrying(
            settings.retry,
            self._stop,
            self._reporter,
            "the log cannot be reached and is tried again",
            self._vitals.failed,
        )
        self.meters.queues(self._chain.depths)

    def stop(self) -> None:
        """Stop polling, finish what is in hand, commit, leave. From any thread or a signal."""
        self._stop.set()

    def run(self) -> bool:
        """Work until `stop`.

        Returns:
            Whether all that was polled was delivered and committed in the time that the shutdown
            policy gives; if not, it will be read again.

        Raises:
            WorkerError: a fault that does not pass; the message says what to do.
        """
        clean = False
        try:
            clean = self._work()
        except BaseException:
            self._failed = True
            raise
        finally:
            self._vitals.stopping()
            self._publisher.stop_retrying()
            self._chain.abort()
            try:
                # Tells that partitions are revoked, and whoever may commit no more finds out here.
                self._source.close()
            finally:
                # After a clean stop nothing is left to flush; otherwise what is left is read again.
                try:
                    self._publisher.close(CLOSE_SECONDS)
                finally:
                    self._bench.close(CLOSE_SECONDS)
        return clean

    def _delivering(
        self, output: Sink | Transactions
    ) -> tuple[Publisher | TransactionalPublisher, Committer]:
        """How rows are delivered, and how positions are committed."""
        told = self._settings
        composer = Composer(topics=told.topics, policy=told.publish, meters=self.meters)
        if told.publish.delivery == "exactly-once":
            transactional = TransactionalPublisher(
                cast("Transactions", output),
                membership=self._source.membership,
                tracker=self._tracker,
                topics=told.topics,
                composer=composer,
                retry=told.retry,
                timeout=told.connection.session_timeout_ms / 1000,
                meters=self.meters,
                health=self.health,
            )
            return transactional, transactional
        publisher = Publisher(
            cast("Sink", output),
            topics=told.topics,
            composer=composer,
            retry=told.retry,
            settle=self._tracker.settle,
            meters=self.meters,
            health=self.health,
        )
        committer = PositionCommitter(self._source, self._tracker, self._reporter, self.meters)
        return publisher, committer

    def _publish(self, scored: Scored) -> None:
        self._gate.judged(scored)
        self._publisher.publish(scored)

    def _work(self) -> bool:
        try:
            self._retrying(self._publisher.open)
            self._retrying(self._source.subscribe, self._settings.topics.input_topic, self)
        except LogUnavailableError:
            # Retrying gives up only when told to stop, and nothing is in hand yet.
            return True
        while not self._stop.is_set():
            # A log that is away when the stop comes is for `_finish` to see to.
            with suppress(LogUnavailableError):
                self._retrying(self._turn)
                self._vitals.turned(self._source)
        self._vitals.stopping()
        return self._finish()

    # Called by the source, inside poll and close.

    def on_assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """Begin to track them."""
        partitions = sorted(partitions)
        self._tracker.open(partitions)
        self._vitals.assigned(partitions)
        journal.info("partitions assigned", partitions=[p.partition for p in partitions])

    def on_revoked(self, partitions: Iterable[TopicPartition]) -> None:
        """Finish what is in hand of them, commit, let go."""
        partitions = sorted(partitions)
        journal.info("partitions revoked", partitions=[p.partition for p in partitions])
        # Half of what the group waits for us, so that the commit and the rejoin fit in too.
        seconds = min(
            self._settings.shutdown.timeout_ms, self._settings.connection.max_poll_interval_ms / 2
        )
        deadline = time.monotonic() + seconds / 1000
        if not self._failed and self._intake.hand_over_all(deadline, self._is_member):
            while time.monotonic() < deadline and self._is_member():
                left = max(0.0, deadline - time.monotonic())
                if self._tracker.wait_settled(partitions, min(left, PATIENCE_SECONDS)):
                    break
        if self._is_member():
            self._committer.commit(partitions, max(0.0, deadline - time.monotonic()))
        self._tracker.close(partitions)
        self._gate.gone(partitions)
        self._vitals.revoked(partitions)

    def on_lost(self, partitions: Iterable[TopicPartition]) -> None:
        """They are somebody else's: whatever is in hand will be delivered twice."""
        partitions = sorted(partitions)
        self._tracker.close(partitions)
        self._gate.gone(partitions)
        self._vitals.lost(partitions)
        journal.warning(
            "partitions lost before their positions were committed; what was in hand is "
            "delivered again by their next owner, under the same ids",
            partitions=[p.partition for p in partitions],
        )

    def _turn(self) -> None:
        self._chain.check()
        if self._intake.hand_over():
            left = self._intake.time_left()
            self._poll(POLL_SECONDS if left is None else min(left, POLL_SECONDS))
        else:
            # Nothing comes of this poll but heartbeats and rebalances: the group must see us
            # alive while scoring or the log is slow. It has time enough for a step of joining
            # anew, which what fills the chain may be waiting for.
            self._poll(POLL_SECONDS)
        now = self._clock()
        if now >= self._next_commit:
            self._next_commit = now + self._settings.commit.interval_ms / 1000
            self._committer.commit()

    def _poll(self, timeout: float) -> None:
        records = self._gate.poll(self._intake.room, timeout)
        if records is not None and len(records):
            size = self._intake.add(Batch(records=records, epochs=self._tracker.track(records)))
            self._vitals.read(records, size)
        self._tracker.advance(self._source.positions())

    def _is_member(self) -> bool:
        """Whether the group still takes us for a member, so that commits can be of use."""
        try:
            self._source.membership()
        except AssignmentLostError:
            return False
        return True

    def _give_up_lost(self) -> None:
        """Where the group has let us go while we stop, nothing of ours can be committed any more.

        To join again would tell us of it, and take partitions from those who work on.
        """
        held = self._tracker.partitions()
        if held and not self._is_member():
            self.on_lost(held)

    def _commit_finally(self, deadline: float) -> bool:
        """Commit, and while that fails for the moment, try again until ``deadline``."""
        while not self._committer.commit(timeout=max(0.0, deadline - time.monotonic())):
            if time.monotonic() >= deadline:
                return False
            # A group that is rebalancing takes commits again once we have joined anew, which
            # happens in polls.
            with suppress(LogUnavailableError):
                self._source.poll(1, POLL_SECONDS)
        return True

    def _finish(self) -> bool:
        """Deliver what is in hand and commit it, in bounded time."""
        deadline = time.monotonic() + self._settings.shutdown.timeout_ms / 1000
        journal.info("stopping", outstanding=self._tracker.outstanding())
        self._source.pause()
        held = set(self._tracker.partitions())
        self._give_up_lost()
        handed_over = self._intake.hand_over_all(deadline)
        delivered = self._chain.close(max(0.0, deadline - time.monotonic()), self._give_up_lost)
        # A delivery is done a moment before the log's thread has settled its rows.
        self._tracker.wait_settled(None, max(0.0, deadline - time.monotonic()))
        committed = self._commit_finally(deadline)
        left = self._tracker.outstanding()
        kept = held <= set(self._tracker.partitions())
        if left or not (handed_over and delivered and committed and kept):
            journal.warning(
                "stopped before everything was delivered and committed; the rest is read again",
                undelivered=left,
                uncommitted={
                    name.partition: at for name, at in self._tracker.committable().items()
                },
            )
            return False
        return True
