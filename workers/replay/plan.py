"""What the replicas of a run agree on, kept in the notes of the run's positions.

A run has a consumer group of its own. Before anybody joins it, the first replica lays a bookmark
in each partition of the range: the offset to begin with, and a note that says where to end, and by
what terms. Every commit carries the note on. So whoever comes later, or comes back after a crash,
finds range and positions in one place, and they are forgotten together: `offsets.retention.minutes`
(Kafka's default: 7 days) after the last replica has left.

Two replicas that start at one moment may both lay bookmarks, of which the later stand. A group that
has a member takes none from outside: what a member finds there holds (`Plan.confirm`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from workers.errors import AssignmentLostError, ConfigurationError, LogError
from workers.log.bookmarks import Bookmark, Bookmarks
from workers.log.contract import TopicPartition
from workers.range_reader import Span
from workers.replay.range import Fixed

RUN: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
"""Names that a run may have, which go into a group's name and into verdicts."""

_VERSION: Final = 1
_LAY_TRIES: Final = 10
_WAIT_S: Final = 0.5

Terms = Mapping[str, str]
"""What must be the same for all replicas of a run and whenever it goes on, by what it is called."""


class RunDiffersError(ConfigurationError):
    """A run of that name was begun by other terms."""


class RunUnknownError(LogError):
    """The group of a run has positions that do not say what the run is."""


class RunChangedError(LogError):
    """Another replica has fixed the range at the same moment, and its range holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run.

    Attributes:
        run: Its name.
        topic: What is replayed.
        spans: The range, fixed at the first start.
        terms: Of the run.
        gone: Offsets of the range that retention had removed by then.
        fixed_at: When that was, in milliseconds since the epoch.
        positions: What the group had committed when this was looked up.
    """

    run: str
    topic: str
    spans: Mapping[TopicPartition, Span]
    terms: Terms
    gone: int
    fixed_at: int
    positions: Mapping[TopicPartition, int]

    @property
    def group(self) -> str:
        """The run's consumer group."""
        return group_of(self.run)

    @property
    def size(self) -> int:
        """Offsets in all; events may be fewer."""
        return sum(span.size for span in self.spans.values())

    @property
    def done(self) -> int:
        """Offsets that had been dealt with when this was looked up."""
        return self.size - sum(self.left(self.positions).values())

    @property
    def finished(self) -> bool:
        """Whether the run was at its end then."""
        return self.done == self.size

    @property
    def notes(self) -> Mapping[TopicPartition, str]:
        """What every position is to be committed with."""
        return {place: self._note(span) for place, span in self.spans.items()}

    def left(self, positions: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Offsets that these positions leave of each partition."""
        return {
            place: max(0, span.end - max(span.begin, positions.get(place, span.begin)))
            for place, span in self.spans.items()
        }

    def confirm(self, bookmarks: Bookmarks) -> None:
        """Make sure, as a member of the group, that this is what the group says.

        Raises:
            RunChangedError: it is not.
            WorkerError: the group cannot be asked, or says something else altogether.
        """
        found = found_in(bookmarks, self.run, self.topic)
        if found is None or (found.spans, found.terms) != (self.spans, self.terms):
            raise RunChangedError(
                f"run '{self.run}': another replica has fixed the range at the same moment; "
                "start this one again to take its range"
            )

    def _note(self, span: Span) -> str:
        document = {
            "weir-replay": _VERSION,
            "begin": span.begin,
            "end": span.end,
            "partitions": len(self.spans),
            "gone": self.gone,
            "fixed_at": self.fixed_at,
            "terms": dict(self.terms),
        }
        return orjson.dumps(document).decode()


def group_of(run: str) -> str:
    """The consumer group of a run."""
    return f"weir-replay-{run}"


def agree(
    bookmarks: Bookmarks, run: str, topic: str, terms: Terms, fixing: Callable[[], Fixed]
) -> Plan:
    """The plan of a run: the one that it has, or a new one.

    Args:
        bookmarks: Of the log.
        run: The run's name.
        topic: What is replayed.
        terms: What this replica was told.
        fixing: Fixes the range; called where the run has none yet.

    Raises:
        RunDiffersError: the run was begun by other terms.
        RunUnknownError: the group has positions that say nothing of a run.
        WorkerError: the log cannot be asked, or ``fixing`` says so.
    """
    for _ in range(_LAY_TRIES):
        if (found := found_in(bookmarks, run, topic)) is not None:
            hold_to(found, terms)
            return found
        plan = drawn_up(run, topic, terms, fixing())
        try:
            bookmarks.lay(
                plan.group,
                {
                    place: Bookmark(plan.spans[place].begin, note)
                    for place, note in plan.notes.items()
                },
            )
        except AssignmentLostError:
            # Somebody was faster, and has joined already.
            time.sleep(_WAIT_S)
    raise RunUnknownError(
        f"group '{group_of(run)}' has members and no positions; stop what has joined it, or give "
        "another --run"
    )


def drawn_up(run: str, topic: str, terms: Terms, fixed: Fixed) -> Plan:
    """A new plan, which nobody has been told of."""
    return Plan(
        run=run,
        topic=topic,
        spans=fixed.spans,
        terms=terms,
        gone=fixed.gone,
        fixed_at=time.time_ns() // 1_000_000,
        positions={place: span.begin for place, span in fixed.spans.items()},
    )


def hold_to(plan: Plan, terms: Terms) -> None:
    """Make sure that a plan is by these terms.

    Raises:
        RunDiffersError: it is not; the message names the first that differs.
    """
    for name in {**plan.terms, **terms}:
        had, now = plan.terms.get(name, "nothing"), terms.get(name, "nothing")
        if had != now:
            raise RunDiffersError(
                f"run '{plan.run}' was begun with {name} {had}, and is now told {now}; give what "
                "it was begun with to go on, or another --run"
            )


def found_in(bookmarks: Bookmarks, run: str, topic: str) -> Plan | None:
    """The plan that a run's group holds; None where the group has committed nothing.

    Raises:
        RunDiffersError: the run is of another topic.
        RunUnknownError: what the group holds is no plan, or not all of one.
        WorkerError: the log cannot be asked.
    """
    group = group_of(run)
    found = bookmarks.read(group)
    if not found:
        return None
    if others := sorted({place.topic for place in found} - {topic}):
        raise RunDiffersError(
            f"run '{run}' was begun on topic {others[0]}, and is now told {topic}; give "
            "--input-topic as it was, or another --run"
        )
    notes = {place: _read(run, place, mark.note) for place, mark in sorted(found.items())}
    first = next(iter(notes.values()))
    if len(notes) != first["partitions"]:
        raise RunUnknownError(
            f"run '{run}': {len(notes)} of {first['partitions']} positions of group '{group}' are "
            "left. Delete the group (kafka-consumer-groups --delete --group "
            f"{group}) to begin again: verdicts get the same ids"
        )
    return Plan(
        run=run,
        topic=topic,
        spans={place: Span(note["begin"], note["end"]) for place, note in notes.items()},
        terms=first["terms"],
        gone=first["gone"],
        fixed_at=first["fixed_at"],
        positions={place: mark.offset for place, mark in found.items()},
    )


def _read(run: str, place: TopicPartition, note: str) -> dict[str, Any]:
    try:
        read: dict[str, Any] = orjson.loads(note)
        if read["weir-replay"] == _VERSION and {"begin", "end", "partitions", "terms"} <= set(read):
            return read
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass
    raise RunUnknownError(
        f"group '{group_of(run)}' has a position of {place.topic}[{place.partition}] that is no "
        "replay's, or another version's; give another --run"
    )
