"""Up to where the dead letters of each cause have been dealt with.

Each cause has a consumer group of its own, which nobody joins: its committed positions say it. So
a redrive of one cause now and of all causes later sends none twice and forgets none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from workers.errors import PositionLostError
from workers.log.contract import Membership, TopicPartition
from workers.range_reader import Span

if TYPE_CHECKING:
    from workers.log.lookup import Bounds, Lookup

Positions = Mapping[str, Mapping[TopicPartition, int]]
"""By group, then by partition of the dead-letter topic."""


def transactions_name(group_id: str) -> str:
    """Name of the transactions of redrives; the workers' group is ``group_id``."""
    return f"{group_id}-redrive"


def group_of(group_id: str, cause: str) -> str:
    """The group whose positions stand for a cause."""
    return f"{group_id}-redrive.{cause}"


class RedrivePositions:
    """State of the positions of some causes during one redrive.

    Args:
        topic: The dead-letter topic.
        group_id: The workers' group, which the names of our groups begin with.
        causes: Codes of the causes that are redriven.
        bounds: Of the topic's partitions.
        committed: What the groups have committed.

    Raises:
        PositionLostError: a position lies beyond the topic's end.
    """

    def __init__(
        self,
        topic: str,
        *,
        group_id: str,
        causes: Collection[str],
        bounds: Mapping[TopicPartition, Bounds],
        committed: Positions,
    ) -> None:
        self._bounds = bounds
        self._groups = {cause: group_of(group_id, cause) for cause in causes}
        self._committed = {group: dict(committed.get(group, {})) for group in self._groups.values()}
        for group, offsets in self._committed.items():
            for place, offset in offsets.items():
                if place in bounds and offset > bounds[place].written:
                    raise PositionLostError(
                        f"group '{group}' stands at offset {offset} of {topic}"
                        f"[{place.partition}], which ends at {bounds[place].written}: the topic "
                        "was made anew. Delete the group (kafka-consumer-groups --delete --group "
                        f"{group}) to begin with the oldest letter"
                    )

    @classmethod
    def looked_up(
        cls,
        lookup: Lookup,
        topic: str,
        *,
        group_id: str,
        causes: Collection[str],
        bounds: Mapping[TopicPartition, Bounds],
    ) -> RedrivePositions:
        """As the groups stand now.

        Raises:
            PositionLostError: a position lies beyond the topic's end.
            WorkerError: as `Lookup.committed`.
        """
        groups = [group_of(group_id, cause) for cause in causes]
        return cls(
            topic,
            group_id=group_id,
            causes=causes,
            bounds=bounds,
            committed=lookup.committed(groups, topic),
        )

    @property
    def causes(self) -> Collection[str]:
        """Codes of the causes."""
        return self._groups.keys()

    def spans(self, ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, Span]:
        """What is to be read: from the lowest position of any cause up to these ends."""
        spans = {}
        for place, bound in self._bounds.items():
            lowest = min(
                self._committed[group].get(place, bound.begin) for group in self._groups.values()
            )
            spans[place] = Span(max(lowest, bound.begin), min(ends[place], bound.end))
        return spans

    def is_due(self, cause: str, place: TopicPartition, offset: int) -> bool:
        """Whether a letter of one of the causes has not been dealt with."""
        return offset >= self._committed[self._groups[cause]].get(place, 0)

    def beyond(self, reached: Mapping[TopicPartition, int]) -> dict[str, dict[TopicPartition, int]]:
        """What is to be committed when all letters before ``reached`` have been dealt with.

        Only positions that move; a cause that has come further stays where it is.
        """
        moved = {}
        for group, offsets in self._committed.items():
            ahead = {
                place: offset
                for place, offset in reached.items()
                if offset > offsets.get(place, self._bounds[place].begin)
            }
            if ahead:
                moved[group] = ahead
        return moved

    def before(self, moved: Positions) -> dict[str, dict[TopicPartition, int | None]]:
        """Where these groups and places stand as long as ``moved`` is not committed."""
        return {
            group: {place: self._committed[group].get(place) for place in offsets}
            for group, offsets in moved.items()
        }

    def committed(self, moved: Positions) -> None:
        """Note that ``moved`` has been committed."""
        for group, offsets in moved.items():
            self._committed[group].update(offsets)


def members(positions: Positions) -> dict[Membership, Mapping[TopicPartition, int]]:
    """The positions as a transaction takes them: of groups that have no members."""
    return {Membership(group_id=group): offsets for group, offsets in positions.items()}
