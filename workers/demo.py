"""The main job on samples: feeds topics, lets workers judge them, and accounts for every event.

Every event is fed with a header that names it. Headers travel with the verdict and with the dead
letter, so that each event can be held against what came of it, also on a cluster with other
traffic on the same topics.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from schemas import dead_letter
from schemas.errors import ContractError
from schemas.verdict_reader import Verdict, decode_verdict
from workers.errors import LogError, WorkerError
from workers.log.contract import Headers, Log, Outgoing, Records, Source, TopicPartition
from workers.log.delivery import Delivery
from workers.settings.policies import Topics

HEADER = "demo-event"
# Fed at one go, of each topic in turn.
_FEED_ROWS = 500
_FEED_BYTES = 8 * 1024 * 1024
_POLL_ROWS = 2000
# Without a single outcome for this long, something is broken.
_STALL_SECONDS = 60.0
# Three workers that load and compile on two cores have been seen to need half of this.
_START_SECONDS = 120.0


class DemoError(WorkerError):
    """The demonstration cannot go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Events of one detector.

    Attributes:
        topics: Names of its topics.
        values: Values of the events, good or bad.
    """

    topics: Topics
    values: Sequence[bytes]


@dataclass(slots=True, kw_only=True)
class Account:
    """What came of the events of one sample.

    Attributes:
        events: Events in all.
        fed: Events acknowledged by the log.
        outcomes: int64[events], verdicts and dead letters of each.
        labels: Verdicts by label.
        causes: Dead letters by cause.
        seconds: From the first event fed to the last outcome.
    """

    events: int
    fed: int = 0
    outcomes: np.ndarray[tuple[int], np.dtype[np.int64]] = field(init=False)
    labels: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.outcomes = np.zeros(self.events, np.int64)

    @property
    def verdicts(self) -> int:
        """Verdicts seen."""
        return self.labels.total()

    @property
    def dead(self) -> int:
        """Dead letters seen."""
        return self.causes.total()

    @property
    def lag(self) -> int:
        """Events fed and not judged yet."""
        return self.fed - int(np.count_nonzero(self.outcomes))

    @property
    def missing(self) -> int:
        """Events of which nothing came."""
        return int(np.count_nonzero(self.outcomes == 0))

    @property
    def repeated(self) -> int:
        """Events of which more than one thing came."""
        return int(np.count_nonzero(self.outcomes > 1))

    @property
    def exact(self) -> bool:
        """Whether every event came out as exactly one verdict or dead letter."""
        return self.fed == self.events and not self.missing and not self.repeated


class _Collector:
    """Reads one topic of outcomes from its present end; a member of a group of its own."""

    def __init__(self, log: Log, topic: str) -> None:
        self._source: Source = log.source()
        self._assigned = False
        self._source.subscribe(topic, self)

    def on_assigned(self, _partitions: object) -> None:
        self._assigned = True

    def on_revoked(self, _partitions: object) -> None:
        """Nothing is committed."""

    def on_lost(self, _partitions: object) -> None:
        """Nothing is committed."""

    def await_start(self, timeout: float) -> None:
        """Until the end of every partition is known: what comes from now on is ours to see."""
        deadline = time.monotonic() + timeout
        positions: dict[TopicPartition, int] = {}
        while not (self._assigned and positions):
            if time.monotonic() >= deadline:
                raise DemoError(f"no partitions were assigned within {timeout:.0f} seconds")
            self._source.poll(_POLL_ROWS, 0.1)
            positions = dict(self._source.positions())

    def poll(self, timeout: float) -> Records:
        return self._source.poll(_POLL_ROWS, timeout)

    def close(self) -> None:
        self._source.close()


def demonstrate(
    samples: Sequence[Sample],
    *,
    log: Log,
    watching: Callable[[str], Log],
    ready: Callable[[], bool],
) -> Iterator[tuple[Sequence[Account], list[Verdict]]]:
    """Feed every event, and yield the accounts and new verdicts until all are out.

    Args:
        samples: To feed, each to its own topic.
        log: To feed.
        watching: Makes the log to read one topic of outcomes from: as a group of its own that
            starts at the topic's end.
        ready: Whether the workers work; raises when one has gone.

    Yields:
        An account a sample, the same objects every time, and verdicts.

    Raises:
        DemoError: nothing comes out any more.
        LogError: an event could not be fed.
    """
    run = _Run(samples)
    collectors = [_Collector(watching(topic), topic) for topic in run.outcome_topics()]
    sink = log.sink()
    try:
        for collector in collectors:
            collector.await_start(_STALL_SECONDS)
        # The rate is that of the workers at work: their start is not counted.
        _await(ready, lambda: collectors[0].poll(0.05))
        started = last_seen = time.monotonic()
        feeding = run.feed(sink.publish)
        while True:
            next(feeding, None)
            verdicts: list[Verdict] = []
            for collector in collectors:
                records = collector.poll(0.02)
                if run.take(records, verdicts, time.monotonic() - started):
                    last_seen = time.monotonic()
            yield run.accounts, verdicts
            if run.complete:
                return
            ready()
            if time.monotonic() - last_seen > _STALL_SECONDS:
                missing = sum(account.missing for account in run.accounts)
                events = sum(account.events for account in run.accounts)
                raise DemoError(
                    f"nothing came out for {_STALL_SECONDS:.0f} seconds; {missing} of {events} "
                    "events are missing"
                )
    finally:
        for collector in collectors:
            collector.close()
        sink.close(10.0)


def _await(ready: Callable[[], bool], turn: Callable[[], object]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise DemoError(f"the workers are not ready after {_START_SECONDS:.0f} seconds")
        turn()


class _Run:
    """Names the events of all samples, and enters what comes of them."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.accounts = [Account(events=len(sample.values)) for sample in samples]
        self._samples = samples
        self._name = secrets.token_hex(8)

    @property
    def complete(self) -> bool:
        """Whether all are fed and out."""
        return all(
            account.fed == account.events and not account.missing for account in self.accounts
        )

    def outcome_topics(self) -> list[str]:
        """Where verdicts and dead letters go, each topic once."""
        topics = [sample.topics for sample in self._samples]
        names = [(one.verdict_topic, one.dead_letter_topic) for one in topics]
        return list(dict.fromkeys(name for pair in names for name in pair))

    def feed(self, publish: Callable[[Outgoing], Delivery]) -> Iterator[None]:
        """Feed some events a step, of each sample in turn; enter those that are acknowledged."""
        under_way: deque[tuple[Account, int, Delivery]] = deque()

        def land() -> None:
            while under_way and under_way[0][2].done():
                account, rows, delivery = under_way.popleft()
                for error in delivery.failures().values():
                    raise LogError(f"an event could not be fed: {error}") from error
                account.fed += rows

        steps = [self._steps(number) for number in range(len(self._samples))]
        while steps:
            for step in list(steps):
                rows = next(step, None)
                if rows is None:
                    steps.remove(step)
                else:
                    account, outgoing = rows
                    under_way.append((account, len(outgoing), publish(outgoing)))
            land()
            yield
        while under_way:
            land()
            yield

    def _steps(self, number: int) -> Iterator[tuple[Account, Outgoing]]:
        sample = self._samples[number]
        start = 0
        while start < len(sample.values):
            stop, size = start, 0
            while stop < min(len(sample.values), start + _FEED_ROWS) and size < _FEED_BYTES:
                size += len(sample.values[stop])
                stop += 1
            headers: list[Headers] = [
                [(HEADER, f"{self._name}/{number}/{row}".encode())] for row in range(start, stop)
            ]
            yield (
                self.accounts[number],
                Outgoing(
                    topic=sample.topics.input_topic,
                    keys=[None] * (stop - start),
                    values=sample.values[start:stop],
                    headers=headers,
                ),
            )
            start = stop

    def take(self, records: Records, verdicts: list[Verdict], seconds: float) -> int:
        """Enter the outcomes of this run, so long after its start; return how many."""
        found = 0
        for value, headers in zip(records.values, records.headers, strict=True):
            named = dict(headers)
            whose, *place = (named.get(HEADER) or b"").decode("ascii", "replace").split("/")
            if whose != self._name:
                continue
            number, row = map(int, place)
            account, topics = self.accounts[number], self._samples[number].topics
            found += 1
            account.outcomes[row] += 1
            account.seconds = seconds
            if records.topic == topics.dead_letter_topic:
                cause = (named.get(dead_letter.CAUSE) or b"?").decode("ascii", "replace")
                account.causes[cause] += 1
                continue
            try:
                verdict = decode_verdict(value or b"")
            except ContractError as error:
                raise DemoError(f"a verdict on '{topics.verdict_topic}': {error}") from error
            account.labels[verdict["label"]] += 1
            verdicts.append(verdict)
        return found
