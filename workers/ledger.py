"""Holds outcomes against the events of a range: pure, as columns over the offsets.

A record that was sent back from the dead letters is no new event: workers give it the ids of its
first origin, so it allows one more outcome of that. What came for which of them cannot be told
apart; outcomes count for the records in the order of their offsets.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.account import NO_OFFSETS, Account, Counts, Finding, PartitionAccount
from workers.batching import Batch
from workers.log.contract import Records
from workers.outcomes import DEAD_LETTER, Outcomes
from workers.range_reader import Span

# In place of a timestamp, which is -1 at least.
_NO_RECORD: Final = -2
_SENT_BACK: Final = -3
_REMOVED: Final = -4

_WHY: Final = {
    _NO_RECORD: "where no record is",
    _SENT_BACK: "which was sent back from the dead letters: its first origin should be named",
}
_ANOTHER_TIME: Final = "whose record has another timestamp (was the topic made anew?)"

# Enough to see what is wrong; the count goes on.
_UNKNOWN_KEPT: Final = 1_000


class _Origin(NamedTuple):
    offset: int
    timestamp: int


class _Foreign:
    """Records of the range whose first origin is no event of the range."""

    def __init__(self) -> None:
        self.records: list[int] = []
        self.outcomes: Counter[int] = Counter()


class Ledger:
    """Events first, then `seal`, then outcomes in any order; `account` whenever it is wanted.

    Args:
        topic: Where the events are.
        spans: The range of each partition.
        compacted: Whether records may have given way to later ones: outcomes of records that are
            not there are of others then, not unknown.
    """

    def __init__(self, topic: str, spans: Mapping[int, Span], *, compacted: bool = False) -> None:
        self._topic = topic
        self._partitions = {
            number: _Partition(span, compacted=compacted) for number, span in spans.items()
        }
        self._of_others = 0
        self._unreadable = 0
        self._unknown: list[Finding] = []

    def take_events(self, records: Records) -> None:
        """Enter records of the range."""
        for number, rows in _by_partition(records.partitions, self._partitions):
            self._partitions[number].take_events(records.offsets[rows], records.timestamps[rows])
        for row, origin in _sent_back(records).items():
            number, offset = int(records.partitions[row]), int(records.offsets[row])
            self._partitions[number].take_sent_back(offset, origin)

    def take_later(self, records: Records) -> None:
        """Enter records behind the range: what was sent back there allows outcomes, too."""
        for row, origin in _sent_back(records).items():
            self._partitions[int(records.partitions[row])].take_later(origin)

    def seal(self) -> None:
        """All events are there."""
        for one in self._partitions.values():
            one.seal()

    def earliest(self) -> int | None:
        """Earliest timestamp of an event, in milliseconds; None where one has none, or of none."""
        found = [
            int(times.min())
            for one in self._partitions.values()
            if len(times := one.timestamps[one.timestamps > _NO_RECORD])
        ]
        return min(found) if found and min(found) >= 0 else None

    def take_outcomes(self, outcomes: Outcomes, records: Records) -> None:
        """Enter outcomes, which were read off ``records``."""
        self._of_others += outcomes.of_others
        self._unreadable += outcomes.unreadable
        taken = 0
        for number, rows in _by_partition(outcomes.partitions, self._partitions):
            taken += len(rows)
            others, unknown = self._partitions[number].take_outcomes(outcomes, rows)
            self._of_others += others
            for row, why in unknown:
                if len(self._unknown) < _UNKNOWN_KEPT:
                    self._unknown.append(self._finding(outcomes, records, row, why))
        self._of_others += len(outcomes) - taken

    def excuse(self, partition: int, offsets: NDArray[np.int64]) -> None:
        """Enter records without an outcome that need none, since nothing so mild is published."""
        self._partitions[partition].excused.append(offsets)

    def remove(self, partition: int, span: Span) -> None:
        """Enter that records were removed before they could be read."""
        self._partitions[partition].remove(span)

    def account(self, *, whole_dead_letters: bool = True, notes: tuple[str, ...] = ()) -> Account:
        """How things stand.

        Args:
            whole_dead_letters: Whether the dead letters were read from the first there ever was:
                then that of a first origin before the range must be among them.
            notes: What a reader of the numbers should know.
        """
        own = 1 if whole_dead_letters else 0
        accounts = [
            one.account(number, own=own) for number, one in sorted(self._partitions.items())
        ]
        return Account(
            topic=self._topic,
            partitions=tuple(account for account, _ in accounts),
            of_others=self._of_others + sum(others for _, others in accounts),
            unreadable=self._unreadable,
            unknown=tuple(self._unknown),
            notes=notes,
        )

    def _finding(self, outcomes: Outcomes, records: Records, row: int, why: str) -> Finding:
        place = f"{self._topic}[{outcomes.partitions[row]}] offset {outcomes.offsets[row]}"
        at = int(outcomes.rows[row])
        return Finding(
            topic=records.topic,
            partition=int(records.partitions[at]),
            offset=int(records.offsets[at]),
            detail=f"names {place}, {why}",
        )


class _Partition:
    """One partition of the range; ``timestamps`` is int64[length of the span]."""

    def __init__(self, span: Span, *, compacted: bool) -> None:
        self.span = span
        self.timestamps = np.full(span.size, _NO_RECORD, np.int64)
        self.excused: list[NDArray[np.int64]] = []
        self._compacted = compacted
        self._indexes: list[NDArray[np.int64]] = []
        self._models: list[NDArray[np.int32]] = []
        self._unknown = 0
        self._by_origin: defaultdict[_Origin, list[int]] = defaultdict(list)
        self._sent_back: dict[int, list[int]] = {}
        self._foreign: defaultdict[_Origin, _Foreign] = defaultdict(_Foreign)
        self._later: Counter[_Origin] = Counter()

    def take_events(self, offsets: NDArray[np.int64], timestamps: NDArray[np.int64]) -> None:
        self.timestamps[offsets - self.span.begin] = np.maximum(timestamps, -1)

    def take_sent_back(self, offset: int, origin: _Origin) -> None:
        self.timestamps[offset - self.span.begin] = _SENT_BACK
        self._by_origin[origin].append(offset)

    def take_later(self, origin: _Origin) -> None:
        self._later[origin] += 1

    def seal(self) -> None:
        for origin, offsets in self._by_origin.items():
            if self._is_event(origin):
                self._sent_back[origin.offset - self.span.begin] = sorted(offsets)
            else:
                self._foreign[origin].records = sorted(offsets)

    def take_outcomes(
        self, outcomes: Outcomes, rows: NDArray[np.int64]
    ) -> tuple[int, list[tuple[int, str]]]:
        """Enter the outcomes at ``rows``; return how many are of others, and which are unknown."""
        indexes = outcomes.offsets[rows] - self.span.begin
        inside = (indexes >= 0) & (indexes < len(self.timestamps))
        there = np.full(len(rows), _REMOVED, np.int64)
        there[inside] = self.timestamps[indexes[inside]]
        fits = inside & (there >= -1) & (there == outcomes.timestamps[rows])
        good = fits & outcomes.sound[rows]
        self._indexes.append(indexes[good])
        self._models.append(outcomes.models[rows[good]])
        others = 0
        unknown = []
        for at in np.flatnonzero(~good).tolist():
            row = int(rows[at])
            origin = _Origin(int(outcomes.offsets[row]), int(outcomes.timestamps[row]))
            was = int(there[at])
            if outcomes.sound[row] and origin in self._foreign:
                self._foreign[origin].outcomes[int(outcomes.models[row])] += 1
            elif was == _REMOVED or (was == _NO_RECORD and self._compacted):
                others += 1
            elif fits[at]:
                unknown.append((row, "whose ids are others"))
            else:
                unknown.append((row, _WHY.get(was, _ANOTHER_TIME)))
        self._unknown += len(unknown)
        return others, unknown

    def remove(self, span: Span) -> None:
        start, stop = (max(0, offset - self.span.begin) for offset in span)
        self.timestamps[start:stop] = _REMOVED

    def account(self, number: int, *, own: int) -> tuple[PartitionAccount, int]:
        """How things stand, and how many outcomes turned out to be of others.

        Args:
            number: The partition's.
            own: Outcomes that a first origin before the range should have of its own.
        """
        n, start = len(self.timestamps), self.span.begin
        is_event = self.timestamps >= -1
        indexes = np.concatenate([NO_OFFSETS, *self._indexes])
        models = np.concatenate([np.empty(0, np.int32), *self._models])
        known = is_event[indexes]  # not so where retention came meanwhile
        indexes, models = indexes[known], models[known]
        judged = models != DEAD_LETTER
        came = np.bincount(indexes, minlength=n)
        dead = np.bincount(indexes[~judged], minlength=n)
        self._give_to_later(came, dead, is_event)

        allowed = is_event.astype(np.int64)
        lacking = [np.flatnonzero(is_event & (came == 0)) + start]
        for index, offsets in self._sent_back.items():
            if is_event[index]:
                allowed[index] += len(offsets)
                lacking.append(np.array(offsets[max(0, int(came[index]) - 1) :], np.int64))
        excess = np.maximum(came - allowed, 0)
        judges = _distinct(indexes[judged], models[judged], n)
        again = np.minimum(np.maximum(judges - 1, 0), excess)
        surplus = excess - again
        counts = Counts(
            events=int(np.count_nonzero(is_event)),
            sent_back=int(np.count_nonzero(self.timestamps == _SENT_BACK)),
            verdicts=int((came - dead).sum()),
            dead_letters=int(dead.sum()),
            judged_again=int(again.sum()),
            repeated=int(surplus.sum()),
            unknown=self._unknown,
        )
        others = len(indexes) - int(came.sum())
        for foreign in self._foreign.values():
            some, offsets = _settled(foreign, own)
            counts += some
            others += foreign.outcomes.total() - some.verdicts - some.dead_letters
            lacking.append(np.array(offsets, np.int64))
        without = np.sort(np.concatenate(lacking))
        missing = without[~np.isin(without, np.concatenate([NO_OFFSETS, *self.excused]))]
        counts += Counts(below_minimum=len(without) - len(missing), missing=len(missing))
        repeated = np.flatnonzero(surplus)
        account = PartitionAccount(
            partition=number,
            span=self.span,
            counts=counts,
            missing=missing,
            repeated=repeated + start,
            surplus=surplus[repeated],
        )
        return account, others

    def _give_to_later(
        self, came: NDArray[np.int64], dead: NDArray[np.int64], is_event: NDArray[np.bool_]
    ) -> None:
        """Take away outcomes of what was sent back behind the range, where there are too many."""
        for origin, count in self._later.items():
            index = origin.offset - self.span.begin
            if not (self._is_event(origin) and is_event[index]):
                continue
            spare = int(came[index]) - 1 - len(self._sent_back.get(index, ()))
            given = max(0, min(count, spare))
            letters = max(0, given - int(came[index] - dead[index]))
            came[index] -= given
            dead[index] -= letters

    def _is_event(self, origin: _Origin) -> bool:
        index = origin.offset - self.span.begin
        inside = 0 <= index < len(self.timestamps)
        return inside and int(self.timestamps[index]) == max(origin.timestamp, -1)


def _settled(foreign: _Foreign, own: int) -> tuple[Counts, list[int]]:
    """What came for records whose first origin is elsewhere, and those without an outcome."""
    dead = foreign.outcomes[DEAD_LETTER]
    verdicts = foreign.outcomes.total() - dead
    came = min(max(0, dead + verdicts - own), len(foreign.records))
    judged = min(verdicts, came)
    return Counts(verdicts=judged, dead_letters=came - judged), foreign.records[came:]


def _distinct(indexes: NDArray[np.int64], models: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """How many different models judged each event: int64[n]."""
    if not len(models):
        return np.zeros(n, np.int64)
    kinds = int(models.max()) + 1
    pairs = np.unique(indexes * kinds + models)
    return np.bincount(pairs // kinds, minlength=n)


def _sent_back(records: Records) -> dict[int, _Origin]:
    """First origins of the rows that were sent back from the dead letters."""
    if not any(records.headers):
        return {}
    batch = Batch(records=records, epochs=np.zeros(len(records), np.int64))
    origins = batch.origins()
    rows = np.flatnonzero(origins.offsets != records.offsets)
    return {
        row: _Origin(int(origins.offsets[row]), int(origins.timestamps[row]))
        for row in rows.tolist()
    }


def _by_partition(
    partitions: NDArray[np.int32], known: Mapping[int, object]
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    for number in np.unique(partitions).tolist():
        if number in known:
            yield number, np.flatnonzero(partitions == number)
