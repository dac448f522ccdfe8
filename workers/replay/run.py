"""One replica of a replay: the live pipeline on a source that ends, until its run is at its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from models.artefact import Artefact
from workers.errors import LogUnavailableError
from workers.health import Health
from workers.judge import Judge
from workers.log.bookmarks import Bookmarks
from workers.log.contract import Log, TopicPartition
from workers.log.lookup import Lookup
from workers.metrics.meters import Meters
from workers.pipeline import Pipeline
from workers.replay.bounded_source import BoundedSource
from workers.replay.pace import Pace
from workers.replay.plan import (
    Plan,
    RunChangedError,
    Terms,
    agree,
    drawn_up,
    found_in,
    group_of,
    hold_to,
)
from workers.replay.progress import Monitor, Progress
from workers.replay.range import Fixed, Wanted, fix_range
from workers.settings.policies import Settings
from workers.tally import Counts, Tally
from workers.worker import output_of

journal = structlog.get_logger(__name__)

# As many others may fix the range at the same moment.
_TRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """A log, as a replay needs it.

    Attributes:
        log: Makes the log whose commits carry these notes.
        lookup: Answers questions about topics.
        bookmarks: Reads and lays positions with notes.
    """

    log: Callable[[Mapping[TopicPartition, str]], Log]
    lookup: Lookup
    bookmarks: Bookmarks


class Telling(Protocol):
    """Who is told how a replay goes."""

    def planned(self, plan: Plan, notes: Sequence[str]) -> None:
        """This is what will be done, and what is to be said of the range where it is new."""
        ...

    def progressed(self, progress: Progress) -> None:
        """So far the run is; from any thread."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one replica of a run ended.

    Attributes:
        plan: The run.
        progress: How far the run is; None where the log could not be asked.
        clean: Whether all that this replica had read was delivered and committed.
        counts: Of this replica.
        repeated: Events that this replica read twice, their partitions having left and come back.
        seconds: That this replica was at work.
    """

    plan: Plan
    progress: Progress | None
    clean: bool
    counts: Counts
    repeated: int
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether the run is at its end."""
        return self.progress is not None and not self.progress.left


class Replay:
    """One replica of a run.

    Args:
        run: The run's name.
        settings: With the replay's topics, and the run's group.
        wanted: The range that was asked for.
        ends: Of the log.

    Attributes:
        notes: What is to be said of the range, where it was fixed here.
    """

    def __init__(self, run: str, settings: Settings, wanted: Wanted, ends: Ends) -> None:
        self._run = run
        self._settings = settings
        self._wanted = wanted
        self._ends = ends
        self.notes: Sequence[str] = ()
        self._stopping = threading.Event()
        self._pipeline: Pipeline | None = None

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Stop reading, finish what is in hand, commit, leave. From any thread or a signal."""
        self._stopping.set()
        if (pipeline := self._pipeline) is not None:
            pipeline.stop()

    def draft(self, artefact: Artefact) -> Plan:
        """The run's plan, or what it would be; nothing is written.

        Raises:
            WorkerError: as `plan`.
        """
        topic, terms = self._settings.topics.input_topic, self._terms(artefact)
        found = found_in(self._ends.bookmarks, self._run, topic)
        if found is None:
            return drawn_up(self._run, topic, terms, self._fix())
        hold_to(found, terms)
        return found

    def plan(self, artefact: Artefact) -> Plan:
        """The run's plan, which is fixed here if it has none.

        Raises:
            TopicMissingError: a topic does not exist.
            RunDiffersError: the run was begun by other terms.
            WorkerError: the log cannot be asked, or the range is none.
        """
        topic, terms = self._settings.topics.input_topic, self._terms(artefact)
        return agree(self._ends.bookmarks, self._run, topic, terms, self._fix)

    def work(
        self, judge: Judge, pace: Pace, telling: Telling, *, meters: Meters, health: Health
    ) -> Outcome:
        """Score what is left of the run, with others perhaps, until it is at its end or `stop`.

        Args:
            judge: Warm; tells in its verdicts which run they are of.
            pace: How fast.
            telling: Told how it goes.
            meters: The judge's.
            health: Of this replica.

        Raises:
            WorkerError: a fault that does not pass.
        """
        for _ in range(_TRIES):
            plan = self.plan(judge.artefact)
            if plan.finished:
                return self._nothing_left(plan, meters)
            telling.planned(plan, self.notes)
            try:
                return self._work(plan, judge, pace, telling, meters, health)
            except RunChangedError as error:
                journal.info("the run's range was fixed by another replica", error=str(error))
        raise RunChangedError(f"run '{self._run}' does not come to rest: its range changes")

    def _work(
        self,
        plan: Plan,
        judge: Judge,
        pace: Pace,
        telling: Telling,
        meters: Meters,
        health: Health,
    ) -> Outcome:
        began = time.monotonic()
        bookmarks = self._ends.bookmarks
        log = self._ends.log(plan.notes)
        source = BoundedSource(
            log.source(),
            plan.spans,
            pace,
            begun=plan.positions,
            confirm=lambda: plan.confirm(bookmarks),
        )
        pipeline = Pipeline(
            source,
            output_of(self._settings, log),
            judge,
            self._settings,
            meters=meters,
            health=health,
        )
        self._pipeline = pipeline
        if self.stopping:
            pipeline.stop()

        def report(progress: Progress) -> None:
            meters.left_of_replay(progress.left)
            telling.progressed(progress)

        monitor = Monitor(
            plan,
            bookmarks,
            report=report,
            finished=pipeline.stop,
            failed=pipeline.stop,
            impatient=lambda: source.at_ends,
        )
        with monitor:
            clean = pipeline.run()
        if monitor.failure is not None:
            raise monitor.failure
        progress = monitor.last
        if clean:
            # Of who could not commit in time the log may be away, which need not be waited for.
            with suppress(LogUnavailableError):
                progress = monitor.look()
        return Outcome(
            plan=plan,
            progress=progress,
            clean=clean,
            counts=pipeline.tally.counts(),
            repeated=source.repeated,
            seconds=time.monotonic() - began,
        )

    def _nothing_left(self, plan: Plan, meters: Meters) -> Outcome:
        return Outcome(
            plan=plan,
            progress=Progress(size=plan.size, left=0),
            clean=True,
            counts=Tally(meters.series).counts(),
            repeated=0,
            seconds=0.0,
        )

    def _fix(self) -> Fixed:
        topics, group = self._settings.topics, group_of(self._run)
        fixed = fix_range(self._ends.lookup, topics, self._wanted, group=group)
        self.notes = fixed.notes
        return fixed

    def _terms(self, artefact: Artefact) -> Terms:
        told = self._settings
        return {
            "detector": told.detector,
            "the model": f"{artefact.name} {artefact.version} ({artefact.digest})",
            "the range": self._wanted.told,
            "--verdict-topic": told.topics.verdict_topic,
            "--dead-letter-topic": told.topics.dead_letter_topic,
            "--publish-from": told.publish.publish_from,
            "--isolation-level": told.connection.isolation_level,
        }
