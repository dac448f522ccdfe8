"""What becomes of each dead letter in a redrive: sent, passed over, or refused and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from schemas.causes import Cause
from workers.log.contract import TopicPartition

if TYPE_CHECKING:
    from workers.dead_letters import Letters
    from workers.redrive_positions import RedrivePositions

_KNOWN: Final = frozenset(cause.value for cause in Cause)
# Refused letters that are named for each reason; all are counted.
MOST_NAMED: Final = 20


class Fate(StrEnum):
    """What becomes of one letter."""

    SENT = "sent"
    OTHER_CAUSE = "other cause"
    EARLIER = "dealt with earlier"
    UNKNOWN_CAUSE = "unknown cause"
    TRUNCATED = "truncated"
    NO_ORIGIN = "no origin"
    OTHER_TOPIC = "other topic"
    NO_PARTITION = "no such partition"
    NOTHING_TO_SEND = "neither key nor value"
    UNSENDABLE = "refused by the topic"


REASONS: Final[Mapping[Fate, str]] = MappingProxyType(
    {
        Fate.UNKNOWN_CAUSE: "this version does not know the cause",
        Fate.TRUNCATED: (
            "the letter was truncated; fetch the record where its origin says, while it is there"
        ),
        Fate.NO_ORIGIN: "the headers tell no well-formed origin",
        Fate.OTHER_TOPIC: "the origin is another topic than --input-topic",
        Fate.NO_PARTITION: "the origin's partition does not exist any more",
        Fate.NOTHING_TO_SEND: "a tombstone without a key, which no client can send",
        Fate.UNSENDABLE: "the topic does not take the record with its headers",
    }
)
"""Why letters are refused, by fate; the other fates are no refusals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where letters are sent back to.

    Attributes:
        topic: The topic that the workers read.
        partitions: How many it has.
    """

    topic: str
    partitions: int


@dataclass(slots=True, kw_only=True)
class RedriveTally:
    """What became of the letters.

    Attributes:
        sent: By cause.
        fates: All letters, by what became of them.
        named: Of the refused, up to `MOST_NAMED` places for each reason.
        not_ours: Records that are no dead letters of this contract.
        bytes_sent: Keys, values and headers.
    """

    sent: Counter[str] = field(default_factory=Counter)
    fates: Counter[Fate] = field(default_factory=Counter)
    named: dict[Fate, list[tuple[TopicPartition, int]]] = field(default_factory=dict)
    not_ours: int = 0
    bytes_sent: int = 0

    def note(self, fate: Fate, cause: str, place: TopicPartition, offset: int) -> None:
        """Count one letter."""
        self.fates[fate] += 1
        if fate is Fate.SENT:
            self.sent[cause] += 1
        elif fate in REASONS:
            known = self.named.setdefault(fate, [])
            if len(known) < MOST_NAMED:
                known.append((place, offset))

    def note_all(self, letters: Letters, fates: Sequence[Fate]) -> None:
        """Count letters."""
        records = letters.records
        for cause, partition, offset, fate in zip(
            letters.causes,
            records.partitions.tolist(),
            records.offsets.tolist(),
            fates,
            strict=True,
        ):
            self.note(fate, cause, TopicPartition(records.topic, partition), offset)

    def add(self, other: RedriveTally) -> None:
        """Count what another has counted."""
        self.sent += other.sent
        self.fates += other.fates
        self.not_ours += other.not_ours
        self.bytes_sent += other.bytes_sent
        for fate, places in other.named.items():
            known = self.named.setdefault(fate, [])
            known += places[: MOST_NAMED - len(known)]

    @property
    def refused(self) -> int:
        """Letters that were to be sent and cannot be."""
        return sum(self.fates[fate] for fate in REASONS)


class Sorter:
    """Decides what becomes of letters.

    Args:
        positions: Of the causes that are redriven.
        target: Where letters are sent back to.
        all_causes: Whether every cause is redriven; letters of unknown ones are refused then.
    """

    def __init__(self, positions: RedrivePositions, target: Target, *, all_causes: bool) -> None:
        self._positions = positions
        self._target = target
        self._all_causes = all_causes

    def fates(self, letters: Letters) -> Sequence[Fate]:
        """What becomes of each row, if the topic takes those that are sent."""
        records = letters.records
        return [
            self._fate(letters, row, TopicPartition(records.topic, partition), offset)
            for row, (partition, offset) in enumerate(
                zip(records.partitions.tolist(), records.offsets.tolist(), strict=True)
            )
        ]

    def _fate(  # noqa: PLR0911 - one return a fate
        self, letters: Letters, row: int, place: TopicPartition, offset: int
    ) -> Fate:
        cause = letters.causes[row]
        if cause not in self._positions.causes:
            unknown = self._all_causes and cause not in _KNOWN
            return Fate.UNKNOWN_CAUSE if unknown else Fate.OTHER_CAUSE
        if not self._positions.is_due(cause, place, offset):
            return Fate.EARLIER
        if letters.truncated[row] is not None:
            return Fate.TRUNCATED
        origin = letters.origins[row]
        if origin is None:
            return Fate.NO_ORIGIN
        if origin.topic != self._target.topic:
            return Fate.OTHER_TOPIC
        if origin.partition >= self._target.partitions:
            return Fate.NO_PARTITION
        empty = letters.original_nulls[row] or letters.records.values[row] is None
        if empty and letters.records.keys[row] is None:
            return Fate.NOTHING_TO_SEND
        return Fate.SENT
