"""The main job on a sample: feeds a topic, lets a worker judge it, and accounts for every event.

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
from workers.log.contract import Delivery, Headers, Log, Outgoing, Records, Source, TopicPartition
from workers.settings.policies import Topics

HEADER = "demo-event"
_FEED_ROWS = 500
_POLL_ROWS = 2000
# Without a single outcome for this long, something is broken.
_STALL_SECONDS = 60.0


class DemoError(WorkerError):
    """The demonstration cannot go on."""


@dataclass(slots=True, kw_only=True)
class Account:
    """What came of the events.

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
    lines: Sequence[bytes],
    *,
    log: Log,
    watching: Callable[[str], Log],
    topics: Topics,
    ready: Callable[[], bool],
) -> Iterator[tuple[Account, list[Verdict]]]:
    """Feed every line as an event, and yield the account and new verdicts until all are out.

    Args:
        lines: Values of the events, good or bad.
        log: To feed.
        watching: Makes the log to read one topic of outcomes from: as a group of its own that
            starts at the topic's end.
        topics: Names of the topics.
        ready: Whether the worker works; raises when it has gone.

    Raises:
        DemoError: nothing comes out any more.
        LogError: an event could not be fed.
    """
    account = Account(events=len(lines))
    run = secrets.token_hex(8)
    collectors = [
        _Collector(watching(topic), topic)
        for topic in (topics.verdict_topic, topics.dead_letter_topic)
    ]
    sink = log.sink()
    try:
        for collector in collectors:
            collector.await_start(_STALL_SECONDS)
        # The rate is that of the worker at work: its start is not counted.
        deadline = time.monotonic() + _STALL_SECONDS
        while not ready():
            if time.monotonic() > deadline:
                raise DemoError(f"the worker is not ready after {_STALL_SECONDS:.0f} seconds")
            collectors[0].poll(0.05)
        started = last_seen = time.monotonic()
        feeding = _fed(lines, sink.publish, topics.input_topic, run)
        while True:
            account.fed += next(feeding, 0)
            verdicts: list[Verdict] = []
            for collector in collectors:
                found = _take(collector.poll(0.02), account, run, topics, verdicts)
                if found:
                    last_seen = time.monotonic()
            account.seconds = last_seen - started
            yield account, verdicts
            if account.fed == account.events and not account.missing:
                return
            ready()
            if time.monotonic() - last_seen > _STALL_SECONDS:
                raise DemoError(
                    f"nothing came out for {_STALL_SECONDS:.0f} seconds; "
                    f"{account.missing} of {account.events} events are missing"
                )
    finally:
        for collector in collectors:
            collector.close()
        sink.close(10.0)


def _fed(
    lines: Sequence[bytes],
    publish: Callable[[Outgoing], Delivery],
    topic: str,
    run: str,
) -> Iterator[int]:
    """Feed some lines a step; yield how many more are acknowledged."""
    under_way: deque[tuple[int, Delivery]] = deque()

    def landed() -> int:
        rows = 0
        while under_way and under_way[0][1].done():
            sent, delivery = under_way.popleft()
            for error in delivery.failures().values():
                raise LogError(f"an event could not be fed: {error}") from error
            rows += sent
        return rows

    for start in range(0, len(lines), _FEED_ROWS):
        values = lines[start : start + _FEED_ROWS]
        headers: list[Headers] = [
            [(HEADER, f"{run}/{start + row}".encode())] for row in range(len(values))
        ]
        delivery = publish(
            Outgoing(topic=topic, keys=[None] * len(values), values=values, headers=headers)
        )
        under_way.append((len(values), delivery))
        yield landed()
    while under_way:
        yield landed()


def _take(
    records: Records, account: Account, run: str, topics: Topics, verdicts: list[Verdict]
) -> int:
    """Enter the outcomes of this run; return how many."""
    found = 0
    for value, headers in zip(records.values, records.headers, strict=True):
        named = dict(headers)
        whose, _, row = (named.get(HEADER) or b"").decode("ascii", "replace").partition("/")
        if whose != run:
            continue
        found += 1
        account.outcomes[int(row)] += 1
        if records.topic == topics.dead_letter_topic:
            account.causes[(named.get(dead_letter.CAUSE) or b"?").decode("ascii", "replace")] += 1
            continue
        try:
            verdict = decode_verdict(value or b"")
        except ContractError as error:
            raise DemoError(f"a verdict on '{topics.verdict_topic}': {error}") from error
        account.labels[verdict["label"]] += 1
        verdicts.append(verdict)
    return found
