"""Bookmarks of groups of the in-process log."""

from __future__ import annotations

from collections.abc import Mapping

from workers.errors import AssignmentLostError
from workers.log.bookmarks import Bookmark
from workers.log.contract import TopicPartition
from workers.log.memory_broker import MemoryBroker


class MemoryBookmarks:
    """`workers.log.bookmarks.Bookmarks` on a `MemoryBroker`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    def read(self, group: str) -> Mapping[TopicPartition, Bookmark]:
        """See `workers.log.bookmarks.Bookmarks`."""
        with self._broker.changed:
            self._broker.check_reachable()
            found = self._broker.groups[group]
            return {
                place: Bookmark(offset, found.notes.get(place, ""))
                for place, offset in found.committed.items()
            }

    def lay(self, group: str, bookmarks: Mapping[TopicPartition, Bookmark]) -> None:
        """See `workers.log.bookmarks.Bookmarks`."""
        with self._broker.changed:
            self._broker.check_reachable()
            found = self._broker.groups[group]
            if not found.empty:
                raise AssignmentLostError(f"group '{group}' has members")
            found.commit(
                {place: mark.offset for place, mark in bookmarks.items()},
                {place: mark.note for place, mark in bookmarks.items()},
            )
