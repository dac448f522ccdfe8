"""What became of a range of events, as numbers and places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workers.range_reader import Span

NO_OFFSETS: Final[NDArray[np.int64]] = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One record that something is to be said of.

    Attributes:
        topic: Where it stands.
        partition: Its partition.
        offset: Its offset.
        detail: What there is to say; empty where the heading says it all.
    """

    topic: str
    partition: int
    offset: int
    detail: str = ""

    def __str__(self) -> str:
        place = f"{self.topic}[{self.partition}] offset {self.offset}"
        return f"{place}: {self.detail}" if self.detail else place


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of one partition, or of all.

    With unknown ones apart, every outcome has its place: ``verdicts + dead_letters`` is
    ``events + sent_back - below_minimum - missing + judged_again + repeated``.

    Attributes:
        events: Records of the range, but for those that were sent back.
        sent_back: Records of the range that came from the dead letters: each allows one more
            outcome of its first origin.
        verdicts: Verdicts on them.
        dead_letters: Dead letters of them.
        below_minimum: Records without an outcome whose label is milder than what is published.
        judged_again: Verdicts beyond the first, by another model.
        missing: Records without an outcome that should have one.
        repeated: Outcomes beyond those that the records allow.
        unknown: Outcomes that name a record of the range and do not fit it.
    """

    events: int = 0
    sent_back: int = 0
    verdicts: int = 0
    dead_letters: int = 0
    below_minimum: int = 0
    judged_again: int = 0
    missing: int = 0
    repeated: int = 0
    unknown: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            **{name: getattr(self, name) + getattr(other, name) for name in self.__slots__}
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartitionAccount:
    """One partition.

    Attributes:
        partition: Its number.
        span: The range.
        counts: What became of it.
        missing: int64[counts.missing], offsets of records without an outcome, rising.
        repeated: int64[k], offsets of the k events that have too many, rising.
        surplus: int64[k], how many each has too many.
    """

    partition: int
    span: Span
    counts: Counts
    missing: NDArray[np.int64] = field(default_factory=NO_OFFSETS.copy)
    repeated: NDArray[np.int64] = field(default_factory=NO_OFFSETS.copy)
    surplus: NDArray[np.int64] = field(default_factory=NO_OFFSETS.copy)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Account:
    """All partitions of a topic.

    Attributes:
        topic: Where the events are.
        partitions: By number.
        of_others: Outcomes of other topics, detectors and offsets, which are no concern of ours.
        unreadable: Records among the outcomes that are none.
        unknown: The first unknown outcomes, where they stand.
        notes: What a reader of the numbers should know.
    """

    topic: str
    partitions: tuple[PartitionAccount, ...]
    of_others: int = 0
    unreadable: int = 0
    unknown: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> Counts:
        """Of all partitions."""
        return sum((one.counts for one in self.partitions), start=Counts())

    def holds(self, *, exactly_once: bool = False) -> bool:
        """Whether every event came out, nothing unknown did, and (if asked) nothing twice."""
        counts = self.counts
        return not (counts.missing or counts.unknown or (exactly_once and counts.repeated))

    def missing(self) -> Iterator[Finding]:
        """Records without an outcome."""
        for one in self.partitions:
            for offset in one.missing.tolist():
                yield Finding(topic=self.topic, partition=one.partition, offset=offset)

    def repeated(self) -> Iterator[Finding]:
        """Events with too many outcomes."""
        for one in self.partitions:
            for offset, surplus in zip(one.repeated.tolist(), one.surplus.tolist(), strict=True):
                yield Finding(
                    topic=self.topic,
                    partition=one.partition,
                    offset=offset,
                    detail=f"{surplus} too many",
                )
