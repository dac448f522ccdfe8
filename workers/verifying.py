"""Accounts for every event of a range: reads telemetry, verdicts and dead letters to fixed ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.label import Label
from workers.account import Account
from workers.batching import Batch
from workers.judge import Judge
from workers.ledger import Ledger
from workers.log.connection import Connection
from workers.log.contract import Records
from workers.log.kafka_lookup import KafkaLookup
from workers.log.kafka_spans import KafkaSpans
from workers.log.lookup import Lookup
from workers.log.spans import SpanReader
from workers.outcomes import OutcomeReader
from workers.range_reader import Span, taken
from workers.scope import EVERYTHING, Asked, Scope, fix
from workers.settings import policies
from workers.settings.policies import Topics

Value = TypeVar("Value")

Report = Callable[[str, int], None]
"""Told of a topic and how many more of its records have been read."""

# Outcomes are read from the time of the earliest event on, less what clocks may differ by: Kafka
# takes timestamps up to an hour ahead of its own clock. What is missing then is looked for before.
_CLOCKS_MS: Final = 3_600_000

# Records to judge at one go.
_JUDGED_ROWS: Final = 1_024
# Records without an outcome that stand so far apart are not reached by reading what is between.
_RUN_GAP: Final = 10_000


def verify(
    reader: SpanReader,
    lookup: Lookup,
    scope: Scope,
    *,
    detector: str,
    publish_from: policies.Label = "benign",
    judge: Callable[[], Judge] | None = None,
    report: Report = lambda _topic, _rows: None,
) -> Account:
    """Account for every event of the range. Nothing is committed, no group is touched.

    Args:
        reader: Of the log.
        lookup: Of the log.
        scope: What is read.
        detector: Whose worker it was.
        publish_from: The mildest label that it publishes.
        judge: Makes what judges again: only called where milder verdicts are not published and
            events have no outcome. Without it those are missing.
        report: Told of the progress.

    Raises:
        LogUnavailableError: the log cannot be read any more.
        ModelError: the model cannot be used.
    """
    return _Run(reader, lookup, scope, detector, report).account(Label(publish_from), judge)


def verify_kafka(
    connection: Connection,
    topics: Topics,
    *,
    detector: str,
    asked: Asked = EVERYTHING,
    publish_from: policies.Label = "benign",
    judge: Callable[[], Judge] | None = None,
) -> Account:
    """`verify` on a Kafka cluster, whose group and isolation level the connection names.

    Raises:
        WorkerError: as `fix` and `verify`.
    """
    lookup = KafkaLookup(connection)
    scope = fix(lookup, topics, asked, group=connection.group_id)
    with KafkaSpans(connection) as reader:
        return verify(
            reader, lookup, scope, detector=detector, publish_from=publish_from, judge=judge
        )


class _Run:
    def __init__(
        self, spans: SpanReader, lookup: Lookup, scope: Scope, detector: str, report: Report
    ) -> None:
        self._spans = spans
        self._lookup = lookup
        self._scope = scope
        self._topics = scope.topics
        self._report = report
        self._reader = OutcomeReader(scope.topics.input_topic, detector)
        self._ledger = Ledger(
            scope.topics.input_topic,
            scope.spans,
            compacted=spans.compacted(scope.topics.input_topic),
        )
        self._unread_seen = 0

    def account(self, least: Label, judge: Callable[[], Judge] | None) -> Account:
        ledger = self._ledger
        for records in self._read(self._topics.input_topic, self._scope.spans):
            ledger.take_events(records)
        self._enter_removed()
        ledger.seal()
        starts = self._starts(ledger.earliest())
        self._read_outcomes(
            {
                name: {
                    number: Span(starts[name].get(number, one.written), one.written)
                    for number, one in bounds.items()
                }
                for name, bounds in self._scope.outcomes.items()
            }
        )
        account = self._account()
        if account.counts.missing and least is not Label.BENIGN and judge is not None:
            self._judge_again(account, judge(), least)
            account = self._account()
        if account.counts.missing:
            self._read_outcomes(
                {
                    name: {
                        number: Span(one.begin, starts[name].get(number, one.written))
                        for number, one in bounds.items()
                    }
                    for name, bounds in self._scope.outcomes.items()
                }
            )
            account = self._account()
        if behind := self._behind(account):
            for records in self._read(self._topics.input_topic, behind):
                ledger.take_later(records)
            account = self._account()
        return account

    def _read(self, topic: str, spans: Mapping[int, Span]) -> Iterator[Records]:
        for records in self._spans.read(topic, spans):
            yield records
            self._report(topic, len(records))

    def _read_outcomes(self, spans: Mapping[str, Mapping[int, Span]]) -> None:
        columns = {
            self._topics.verdict_topic: self._reader.verdicts,
            self._topics.dead_letter_topic: self._reader.dead_letters,
        }
        for name, of_topic in spans.items():
            for records in self._read(name, of_topic):
                self._ledger.take_outcomes(columns[name](records), records)

    def _starts(self, earliest: int | None) -> dict[str, dict[int, int]]:
        """Where to begin with outcomes: a partition that is not named has none late enough."""
        names = self._scope.outcomes
        since = -1 if earliest is None else earliest - _CLOCKS_MS
        if since < 0:
            return {
                name: {number: one.begin for number, one in bounds.items()}
                for name, bounds in names.items()
            }
        return {
            name: {
                place.partition: min(offset, names[name][place.partition].written)
                for place, offset in self._lookup.first_since(name, since).items()
                if place.partition in names[name]
            }
            for name in names
        }

    def _behind(self, account: Account) -> dict[int, Span]:
        """What stands behind the range, where events have too many outcomes.

        What was sent back and judged there has given them to its first origin.
        """
        return {
            one.partition: Span(one.span.end, self._scope.bounds[one.partition].end)
            for one in account.partitions
            if one.counts.repeated
        }

    def _judge_again(self, account: Account, judge: Judge, least: Label) -> None:
        missing = {one.partition: one.missing for one in account.partitions}
        for spans in _rounds(missing):
            for records in self._read(self._topics.input_topic, spans):
                wanted = np.zeros(len(records), np.bool_)
                for number in spans:
                    here = records.partitions == number
                    wanted |= here & np.isin(records.offsets, missing[number])
                self._excuse(taken(records, np.flatnonzero(wanted)), judge, least)
        self._enter_removed()

    def _excuse(self, records: Records, judge: Judge, least: Label) -> None:
        for start in range(0, len(records), _JUDGED_ROWS):
            some = records.rows(start, start + _JUDGED_ROWS)
            batch = Batch(records=some, epochs=np.zeros(len(some), np.int64))
            for prepared in judge.prepare(batch):
                scored = judge.score(prepared)
                mild = scored.rows[scored.verdicts.severities() < least.severity]
                for number in np.unique(some.partitions[mild]).tolist():
                    rows = mild[some.partitions[mild] == number]
                    self._ledger.excuse(number, some.offsets[rows])

    def _enter_removed(self) -> None:
        for unread in self._spans.unread[self._unread_seen :]:
            if unread.topic == self._topics.input_topic:
                self._ledger.remove(unread.partition, Span(unread.begin, unread.end))
        self._unread_seen = len(self._spans.unread)

    def _account(self) -> Account:
        letters = self._scope.outcomes[self._topics.dead_letter_topic]
        removed = [
            f"{name}[{number}] begins at {one.begin}: what was before was removed by retention"
            for name, bounds in self._scope.outcomes.items()
            for number, one in bounds.items()
            if one.begin
        ]
        unread = [
            f"{one.topic}[{one.partition}]: offsets {one.begin} to {one.end} "
            + ("were removed by retention meanwhile" if one.removed else "are in open transactions")
            + " and were not read"
            for one in self._spans.unread
        ]
        account = self._ledger.account(
            whole_dead_letters=not any(one.begin for one in letters.values()),
            notes=(*self._scope.notes, *unread),
        )
        if not account.counts.missing or not removed:
            return account
        return self._ledger.account(
            whole_dead_letters=False, notes=(*self._scope.notes, *unread, *removed)
        )


def _rounds(missing: Mapping[int, NDArray[np.int64]]) -> Iterator[dict[int, Span]]:
    """Spans that cover these offsets, one a partition at a time, without long ways between."""
    runs = {}
    for number, offsets in missing.items():
        parts = np.split(offsets, np.flatnonzero(np.diff(offsets) > _RUN_GAP) + 1)
        runs[number] = [Span(int(part[0]), int(part[-1]) + 1) for part in parts if len(part)]
    for spans in zip_longest(*runs.values()):
        yield {number: span for number, span in zip(runs, spans, strict=True) if span is not None}
