"""What is told, and done by policy, where there is no position to read from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import structlog

from workers.errors import PositionLostError
from workers.log.contract import TopicPartition

journal = structlog.get_logger(__name__)

Reset = Literal["earliest", "latest", "none"]
"""Kafka's ``auto.offset.reset``; ``none`` stops."""


class ResetPolicy:
    """Decides where partitions are read on whose position does not exist (any more).

    Args:
        policy: Where to begin.
        group_id: Whose positions.

    Attributes:
        earliest: Whether that is the beginning of what is left, or else its end.
    """

    def __init__(self, policy: Reset, group_id: str) -> None:
        self.earliest = policy == "earliest"
        self._policy = policy
        self._group = group_id

    def nothing_committed(self, places: Iterable[TopicPartition]) -> None:
        """The group has never committed for these: they are read by policy.

        Raises:
            PositionLostError: the policy is to stop.
        """
        if self._policy == "none":
            raise PositionLostError(
                f"group '{self._group}' has committed nothing for {_named(places)}, and "
                "--auto-offset-reset is 'none'; set it to earliest or latest for the first start, "
                "or commit positions with Kafka's tools"
            )

    def out_of_range(self, place: TopicPartition, at: int, begin: int, end: int) -> int | None:
        """Retention has removed the next record, or the topic was made anew.

        Args:
            place: Where.
            at: The position.
            begin: The first offset that is there.
            end: The one after the last.

        Returns:
            Where to read on; None for what the policy says.

        Raises:
            PositionLostError: the policy is to stop.
        """
        if begin <= at <= end:
            # The log has grown or moved since; what we want is there after all.
            return at
        if at < begin:
            self._gone(
                place,
                "records were removed by retention before they were read",
                position=at,
                first_available=begin,
                end=end,
                records_lost=begin - at,
            )
        else:
            self._gone(
                place,
                "the log ends before the position: the topic was made anew or truncated",
                position=at,
                first_available=begin,
                end=end,
            )
        return None

    def truncated(self, place: TopicPartition, parted_at: int | None) -> int | None:
        """A new leader's log differs from what we have read (KIP-320, unclean election).

        Args:
            place: Where.
            parted_at: The offset from which they differ, if that is known.

        Returns:
            Where to read on; None for what the policy says.

        Raises:
            PositionLostError: the policy is to stop.
        """
        if parted_at is None or self._policy == "none":
            self._gone(place, "a new leader's log differs from what was read")
            return None
        journal.warning(
            "a new leader's log differs from what was read; going on where they part",
            topic=place.topic,
            partition=place.partition,
            position=parted_at,
        )
        return parted_at

    def _gone(self, place: TopicPartition, what: str, **numbers: int) -> None:
        journal.warning(
            what,
            topic=place.topic,
            partition=place.partition,
            group=self._group,
            auto_offset_reset=self._policy,
            **numbers,
        )
        if self._policy == "none":
            told = ", ".join(f"{name} {number}" for name, number in numbers.items())
            raise PositionLostError(
                f"{_named([place])}: {what} ({told}), and --auto-offset-reset is 'none'; set it "
                "to earliest or latest, or commit another position with Kafka's tools"
            )


def _named(places: Iterable[TopicPartition]) -> str:
    return ", ".join(f"{place.topic}[{place.partition}]" for place in places)
