"""What commands look up in a log beside reading and writing it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from workers.log.contract import TopicPartition


class Bounds(NamedTuple):
    """Where a partition begins and ends.

    Attributes:
        begin: Offset of the first record there is.
        end: Offset that reading comes to: with ``read_committed`` that of the first record of an
            open transaction, if there is one.
        written: Offset that the next record will get.
    """

    begin: int
    end: int
    written: int


class Lookup(Protocol):
    """Answers questions about topics and groups; joins no group."""

    def bounds(self, topic: str) -> Mapping[TopicPartition, Bounds]:
        """Of all partitions of a topic.

        Raises:
            TopicMissingError: the topic does not exist.
            LogUnavailableError: the log cannot be asked just now.
            AuthorisationError: the credentials do not allow it.
        """
        ...

    def first_since(self, topic: str, timestamp: int) -> Mapping[TopicPartition, int]:
        """For each partition the first offset with this timestamp or a later one.

        Partitions without such a record are left out.

        Args:
            topic: Its name.
            timestamp: Milliseconds since the epoch.

        Raises:
            WorkerError: as `bounds`.
        """
        ...

    def committed(
        self, groups: Collection[str], topic: str
    ) -> Mapping[str, Mapping[TopicPartition, int]]:
        """For each group the positions that it has committed; places without one are left out.

        Raises:
            WorkerError: as `bounds`.
        """
        ...
