"""Positions that carry a note, kept in a consumer group before and while it has members.

What a run of several replicas must agree on lies in the notes of its group's positions: whoever
joins finds it there, and whoever commits carries it on (`workers.log.kafka.KafkaLog`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from workers.log.contract import TopicPartition


class Bookmark(NamedTuple):
    """A position of a group.

    Attributes:
        offset: To go on from.
        note: What was committed with it; empty where nothing was.
    """

    offset: int
    note: str


class Bookmarks(Protocol):
    """Reads and lays the bookmarks of groups; joins none."""

    def read(self, group: str) -> Mapping[TopicPartition, Bookmark]:
        """All positions that a group has committed, of whatever topic.

        Raises:
            LogUnavailableError: the log cannot be asked just now.
            AuthorisationError: the credentials do not allow it.
        """
        ...

    def lay(self, group: str, bookmarks: Mapping[TopicPartition, Bookmark]) -> None:
        """Commit positions for a group that has no members.

        Raises:
            AssignmentLostError: it has members, whose positions these are; nothing was committed.
            WorkerError: as `read`.
        """
        ...
