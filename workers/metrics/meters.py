"""What a worker tells of its work, in its own words and once a batch."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.engines.contract import EngineDescription
from schemas.causes import Cause, Stage
from schemas.label import LABELS
from workers.log.contract import TopicPartition
from workers.metrics import catalogue
from workers.metrics.series import Series


class Step(StrEnum):
    """What takes time on the way of a batch; the label ``step``."""

    DECODE = "decode"
    FEATURISE = "featurise"
    SCORE = "score"
    EXPLAIN = "explain"
    ENCODE = "encode"
    PUBLISH = "publish"
    COMMIT = "commit"


class Discard(StrEnum):
    """Why an outcome was not published; the label ``reason``."""

    UNPUBLISHED = "unpublished"
    """It is milder than the publish minimum."""

    LOST = "lost"
    """Its partition had left this replica: the next owner gives it an outcome."""


class Rebalance(StrEnum):
    """What a group does with partitions; the label ``event``."""

    ASSIGNED = "assigned"
    REVOKED = "revoked"
    LOST = "lost"


class Fate(StrEnum):
    """What is done about a batch that cannot be decoded; the label ``fate``."""

    HELD = "held"
    """Its partition waits."""

    SKIPPED = "skipped"
    """It was passed over, as the settings say."""


class Meters:
    """Fills the catalogue of one worker. Thread-safe; every call is for a whole batch.

    Args:
        detector: Whose worker it is.
        clock: Seconds, monotonic.

    Attributes:
        detector: As given.
        series: All that was counted and measured.
    """

    def __init__(self, detector: str, clock: Callable[[], float] = time.perf_counter) -> None:
        self.detector = detector
        self.series = Series()
        self._clock = clock
        self._lock = threading.Lock()
        self._assigned: set[TopicPartition] = set()
        self._broken: set[TopicPartition] = set()
        # Series that are known beforehand are there from the start, so that rates see their first.
        self.series.add_all(catalogue.VERDICTS, {(label.value,): 0 for label in LABELS})
        self.series.add_all(catalogue.DISCARDS, {(reason.value,): 0 for reason in Discard})
        self.series.add_all(catalogue.UNDECODABLE, {(fate.value,): 0 for fate in Fate})
        self.series.add_all(catalogue.REBALANCES, {(event.value,): 0 for event in Rebalance})
        for step in Step:
            self.series.observe(catalogue.STEP_DURATION, [], step.value)
        for gauge in (catalogue.ASSIGNED, catalogue.HELD, catalogue.BREAKER):
            self.series.put(gauge, 0)

    def model(self, name: str, version: str, digest: str, engine: EngineDescription) -> None:
        """This model judges."""
        labels = (name, version, digest, engine.engine, engine.device, engine.library)
        self.series.replace(catalogue.MODEL, {labels: 1})

    def polled(self, events: int, size: int) -> None:
        """Events came in, of ``size`` bytes together."""
        self.series.add(catalogue.EVENTS, events)
        self.series.add(catalogue.EVENT_BYTES, size)

    def gathered(self, events: int, seconds: float) -> None:
        """A batch was closed, so long after its first event."""
        self.series.observe(catalogue.BATCH_EVENTS, events)
        self.series.observe(catalogue.BATCH_DELAY, seconds)

    def took(self, step: Step, seconds: float) -> None:
        """A step took so long for a batch."""
        self.series.observe(catalogue.STEP_DURATION, seconds, step.value)

    @contextmanager
    def timed(self, step: Step) -> Iterator[None]:
        """A step takes as long as this context, unless that raises."""
        began = self._clock()
        yield
        self.took(step, self._clock() - began)

    def judged(self, severities: NDArray[np.integer], scores: NDArray[np.floating]) -> None:
        """Verdicts were given.

        Args:
            severities: Integers [n], indexes into `schemas.label.LABELS`.
            scores: Floats [n].
        """
        counts = np.bincount(severities, minlength=len(LABELS)).tolist()
        self.series.add_all(
            catalogue.VERDICTS,
            {(label.value,): count for label, count in zip(LABELS, counts, strict=True)},
        )
        self.series.observe(catalogue.SCORE, scores)

    def refused(self, stage: Stage, causes: Counter[Cause]) -> None:
        """Events were refused."""
        self.series.add_all(
            catalogue.DEAD_LETTERS,
            {(stage.value, cause.value): count for cause, count in causes.items()},
        )

    def discarded(self, reason: Discard, outcomes: int) -> None:
        """Verdicts or dead letters were given up on purpose."""
        self.series.add(catalogue.DISCARDS, outcomes, reason.value)

    def acknowledged(self, *, verdicts: int = 0, dead: int = 0) -> None:
        """The log has taken outcomes."""
        self.series.add(catalogue.VERDICTS_PUBLISHED, verdicts)
        self.series.add(catalogue.DEAD_LETTERS_PUBLISHED, dead)

    def assigned(self, partitions: Collection[TopicPartition]) -> None:
        """Partitions are ours from now on."""
        self._rebalanced(Rebalance.ASSIGNED, partitions)

    def revoked(self, partitions: Collection[TopicPartition]) -> None:
        """Partitions are given back."""
        self._rebalanced(Rebalance.REVOKED, partitions)

    def lost(self, partitions: Collection[TopicPartition]) -> None:
        """Partitions were taken by force."""
        self._rebalanced(Rebalance.LOST, partitions)

    def held(self, partitions: int) -> None:
        """So many partitions are not read for now."""
        self.series.put(catalogue.HELD, partitions)

    def breaker(self, broken: Collection[TopicPartition]) -> None:
        """The breakers of these partitions are open; telling it what it knows counts nothing."""
        with self._lock:
            opened = len(set(broken) - self._broken)
            self._broken = set(broken)
        self.series.put(catalogue.BREAKER, len(broken))
        self.series.add(catalogue.BREAKER_OPENINGS, opened)

    def undecodable(self, fate: Fate) -> None:
        """A batch of records could not be decoded."""
        self.series.add(catalogue.UNDECODABLE, 1, fate.value)

    def behind(self, lag: Mapping[TopicPartition, int], oldest_s: float) -> None:
        """So many events of each assigned partition are to be judged, the oldest of that age."""
        self.series.replace(
            catalogue.LAG, {(str(place.partition),): events for place, events in lag.items()}
        )
        self.series.put(catalogue.OLDEST, oldest_s)

    def left_of_replay(self, events: int) -> None:
        """So many of a replay's range are to be dealt with, whoever does it."""
        self.series.put(catalogue.REPLAY_LEFT, events)

    def queues(self, depths: Callable[[], Mapping[str, int]]) -> None:
        """Ask ``depths`` on scrape how many batches wait for each step; from any thread."""
        self.series.read_on_scrape(
            catalogue.QUEUE, lambda: {(name,): depth for name, depth in depths().items()}
        )

    def in_hand(self, events: Callable[[], int]) -> None:
        """Ask ``events`` on scrape how many are read and not settled; from any thread."""
        self.series.read_on_scrape(catalogue.IN_HAND, lambda: {(): events()})

    def gpu(self, memory: Callable[[], tuple[int, int]]) -> None:
        """Ask ``memory`` on scrape for bytes in use and their peak; from any thread."""
        self.series.read_on_scrape(catalogue.GPU_MEMORY, lambda: {(): memory()[0]})
        self.series.read_on_scrape(catalogue.GPU_PEAK, lambda: {(): memory()[1]})

    def _rebalanced(self, event: Rebalance, partitions: Collection[TopicPartition]) -> None:
        with self._lock:
            if event is Rebalance.ASSIGNED:
                self._assigned.update(partitions)
            else:
                self._assigned.difference_update(partitions)
            self.series.put(catalogue.ASSIGNED, len(self._assigned))
        self.series.add(catalogue.REBALANCES, 1, event.value)
