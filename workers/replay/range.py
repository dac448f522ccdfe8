"""Which events a replay is about, fixed before anything is read."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from workers.errors import ConfigurationError
from workers.log.contract import TopicPartition
from workers.log.lookup import Bounds, Lookup
from workers.range_reader import Span
from workers.scope import Asked, fix
from workers.settings.policies import Topics

# A range in words that is longer stands as a digest in the notes of positions, which have limits.
_LONGEST_TOLD: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The range that was asked for.

    Attributes:
        asked: From where to where, up to the end where nothing is said.
        partitions: Which; None for all.
        words: The same as the operator gave it. Two replicas, or a run that goes on, are of one
            range where these are equal: "7d" is another time an hour later.
    """

    asked: Asked
    partitions: frozenset[int] | None = None
    words: str = "all there is"

    @property
    def told(self) -> str:
        """The words, or a digest where they are many."""
        if len(self.words) <= _LONGEST_TOLD:
            return self.words
        return f"sha256:{hashlib.sha256(self.words.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """The range as the log had it at the start.

    Attributes:
        spans: Offsets by partition; some may be empty. Records may be fewer.
        gone: Offsets that were asked for by number and that retention had removed.
        notes: What is to be said of it.
    """

    spans: Mapping[TopicPartition, Span]
    gone: int = 0
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Offsets in all."""
        return sum(span.size for span in self.spans.values())


def fix_range(lookup: Lookup, topics: Topics, wanted: Wanted, *, group: str) -> Fixed:
    """Fix the range, as the log is now.

    With ``read_committed`` it ends before the first record of an open transaction. The topics that
    outcomes go to are asked for too, so that a missing one is told before anything begins.

    Args:
        lookup: Of the log.
        topics: The replay's.
        wanted: What was asked for.
        group: Of the run.

    Raises:
        TopicMissingError: one of the topics does not exist.
        ConfigurationError: there is no such partition, or a range ends before it begins.
        LogUnavailableError: the log cannot be asked just now.
    """
    scope = fix(lookup, topics, wanted.asked, group=group)
    chosen = _chosen(topics.input_topic, wanted.partitions, scope.bounds.keys())
    notes: list[str] = []
    gone = 0
    for number in chosen:
        place = f"{topics.input_topic}[{number}]: "
        span, bounds = scope.spans[number], scope.bounds[number]
        notes += [note for note in scope.notes if note.startswith(place)]
        notes += [place + note for note in _notes(wanted.asked, number, span, bounds)]
        gone += _gone(wanted.asked, number, bounds)
    if gone:
        notes.append(f"{gone:,} of the range are gone: retention")
    return Fixed(
        spans={
            TopicPartition(topics.input_topic, number): scope.spans[number] for number in chosen
        },
        gone=gone,
        notes=tuple(notes),
    )


def _chosen(topic: str, wanted: frozenset[int] | None, there: Collection[int]) -> list[int]:
    if wanted is None:
        return sorted(there)
    if strangers := sorted(wanted.difference(there)):
        raise ConfigurationError(
            f"topic '{topic}' has no partition {strangers[0]}; it has 0 to {len(there) - 1}"
        )
    return sorted(wanted)


def _gone(asked: Asked, number: int, bounds: Bounds) -> int:
    """Offsets that were asked for and are there no more."""
    if number not in asked.from_offsets:
        return 0
    last = min(bounds.begin, asked.to_offsets.get(number, bounds.begin))
    return max(0, last - asked.from_offsets[number])


def _notes(asked: Asked, number: int, span: Span, bounds: Bounds) -> Iterator[str]:
    """What `workers.scope.fix` has no reason to say."""
    by_time = asked.from_time is not None and number not in asked.from_offsets
    if by_time and 0 < bounds.begin == span.begin:
        yield (
            f"the log begins at offset {bounds.begin}; whatever was before it, and of the range, "
            "is gone: retention"
        )
    if span.end == bounds.end < bounds.written and number not in asked.to_offsets:
        yield f"an open transaction hides what is from {bounds.end} on, which is not replayed"
