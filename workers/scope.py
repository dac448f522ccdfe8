"""Which range of a telemetry topic is accounted for, fixed before anything is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

from workers.errors import ConfigurationError, LogError
from workers.log.contract import TopicPartition
from workers.log.lookup import Bounds, Lookup
from workers.range_reader import Span
from workers.settings.policies import Topics

Value = TypeVar("Value")


class NothingCommittedError(LogError):
    """The group claims to be done with nothing, so there is nothing to hold it to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which range.

    Attributes:
        to: Up to what the group has committed, or up to the end.
        from_offsets: First offsets by partition; of others, the first there is.
        to_offsets: Offsets by partition to stop before; of others, as ``to`` says.
        from_time: Milliseconds since the epoch: from the first record of this time or later, in
            partitions that ``from_offsets`` does not name.
        to_time: To before the first record of this time or later; not past where ``to`` says.
    """

    to: Literal["committed", "end"] = "committed"
    from_offsets: Mapping[int, int] = field(default_factory=dict)
    to_offsets: Mapping[int, int] = field(default_factory=dict)
    from_time: int | None = None
    to_time: int | None = None


EVERYTHING: Final = Asked(to="end")
"""From the first record to the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is read, fixed at the start.

    Attributes:
        topics: Names.
        spans: The range of events, by partition.
        bounds: What there was of the telemetry, by partition.
        committed: Positions of the group, by partition.
        outcomes: What there was of verdicts and dead letters, by topic and partition.
        notes: What is to be said of it.
    """

    topics: Topics
    spans: Mapping[int, Span]
    bounds: Mapping[int, Bounds]
    committed: Mapping[int, int]
    outcomes: Mapping[str, Mapping[int, Bounds]]
    notes: tuple[str, ...] = ()


def fix(lookup: Lookup, topics: Topics, asked: Asked, *, group: str) -> Scope:
    """Fix what is read.

    Ends are looked up after the group's positions: what it has committed has its outcomes before
    them.

    Args:
        lookup: Of the log.
        topics: Names.
        asked: Which range.
        group: Whose workers they are.

    Raises:
        TopicMissingError: one of the topics does not exist.
        NothingCommittedError: the range goes up to what is committed, and nothing is.
        ConfigurationError: there is no such partition, or a range ends before it begins.
        LogUnavailableError: the log cannot be asked just now.
    """
    topic = topics.input_topic
    committed = by_number(lookup.committed([group], topic).get(group, {}))
    bounds = by_number(lookup.bounds(topic))
    outcomes = {
        name: by_number(lookup.bounds(name))
        for name in (topics.verdict_topic, topics.dead_letter_topic)
    }
    for named in (asked.from_offsets, asked.to_offsets):
        if strangers := sorted(named.keys() - bounds.keys()):
            raise ConfigurationError(
                f"topic '{topic}' has no partition {strangers[0]}; it has 0 to {len(bounds) - 1}"
            )
    if (
        asked.to == "committed"
        and not committed
        and not bounds.keys() <= asked.to_offsets.keys()
        and any(one.begin < one.written for one in bounds.values())
    ):
        raise NothingCommittedError(
            f"group '{group}' has committed nothing for topic '{topic}', so it claims to be done "
            "with nothing; check --group-id, or give --to end to account for all that is there"
        )
    starts = _since(lookup, topic, asked.from_time)
    stops = _since(lookup, topic, asked.to_time)
    spans, notes = {}, []
    for number, one in sorted(bounds.items()):
        first = one.begin if starts is None else starts.get(number, one.written)
        first = asked.from_offsets.get(number, first)
        last = one.end if asked.to == "end" else committed.get(number, 0)
        if stops is not None:
            last = min(last, stops.get(number, last))
        last = asked.to_offsets.get(number, last)
        if number in asked.from_offsets and number in asked.to_offsets and last < first:
            raise ConfigurationError(
                f"the range of partition {number} ends at {last}, before it begins at {first}; "
                "give --to-offsets that are no less than --from-offsets"
            )
        place = f"{topic}[{number}]"
        by_commit = asked.to == "committed" and number not in asked.to_offsets
        if by_commit and number not in committed and one.begin < one.written:
            notes.append(f"{place}: the group has committed nothing here")
        notes.extend(_notes(place, one, committed.get(number), first, last))
        first = max(first, one.begin)
        spans[number] = Span(first, max(first, min(last, one.end)))
    return Scope(
        topics=topics,
        spans=spans,
        bounds=bounds,
        committed=committed,
        outcomes=outcomes,
        notes=tuple(notes),
    )


def by_number(of_places: Mapping[TopicPartition, Value]) -> dict[int, Value]:
    """By the number of the partition."""
    return {place.partition: value for place, value in of_places.items()}


def _since(lookup: Lookup, topic: str, timestamp: int | None) -> dict[int, int] | None:
    return None if timestamp is None else by_number(lookup.first_since(topic, timestamp))


def _notes(
    place: str, bounds: Bounds, committed: int | None, first: int, last: int
) -> Iterator[str]:
    """What differs from what was asked, or from what one would expect."""
    begin, end, written = bounds
    if first < begin:
        yield f"{place}: offsets {first} to {begin} were removed by retention before now"
    if committed is not None and committed < begin:
        yield (
            f"{place}: the group stands at {committed}, and what is before {begin} was removed by "
            "retention: it was never judged"
        )
    if committed is not None and committed > written:
        yield (
            f"{place}: the group stands at {committed}, past the end at {written}: the topic "
            "was made anew, or truncated"
        )
    elif last > written:
        yield f"{place}: the log ends at {written}, before {last}"
    elif last > end:
        yield f"{place}: an open transaction hides what is from {end} on"
