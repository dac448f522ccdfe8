"""What happens where there is no position to read from: reported, then by policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import structlog
from kafka import KafkaConsumer
from kafka import TopicPartition as KafkaPartition
from kafka.errors import (
    KafkaError,
    LogTruncationError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from workers.errors import PositionLostError
from workers.log.connection import Connection

journal = structlog.get_logger(__name__)

LOOKUP_MS: Final = 5_000


class PositionReset:
    """Finds a new position for partitions whose position does not exist (any more).

    The client would do it by itself, without a word; so it is told not to (its
    ``auto_offset_reset`` is ``none``), and raises instead.

    Args:
        consumer: Whose positions.
        connection: Says the policy and the group.
    """

    def __init__(self, consumer: KafkaConsumer, connection: Connection) -> None:
        self._consumer = consumer
        self._policy = connection.auto_offset_reset
        self._group = connection.group_id

    def handle(self, error: KafkaError) -> None:
        """Move the partitions that an error of `KafkaConsumer.poll` names.

        Raises:
            PositionLostError: the policy is to stop.
            KafkaError: ends of the log cannot be looked up just now; poll again.
        """
        match error:
            case NoOffsetForPartitionError():
                self._begin(error.args[0])
            case OffsetOutOfRangeError():
                self._out_of_range(error.args[0])
            case LogTruncationError():
                self._truncated(error.divergent_offsets)

    def _begin(self, partitions: Iterable[KafkaPartition]) -> None:
        """The group has never committed for these."""
        places = sorted(set(partitions) & self._consumer.assignment())
        if not places:
            return
        if self._policy == "none":
            raise PositionLostError(
                f"group '{self._group}' has committed nothing for {_named(places)}, and "
                "--auto-offset-reset is 'none'; set it to earliest or latest for the first start, "
                "or commit positions with Kafka's tools"
            )
        self._seek(places)

    def _out_of_range(self, positions: Mapping[KafkaPartition, int]) -> None:
        """Retention has removed the next record, or the topic was made anew."""
        places = sorted(set(positions) & self._consumer.assignment())
        if not places:
            return
        begins = self._consumer.beginning_offsets(places, timeout_ms=LOOKUP_MS)
        ends = self._consumer.end_offsets(places, timeout_ms=LOOKUP_MS)
        for place in places:
            at, begin, end = positions[place], begins[place], ends[place]
            if begin <= at <= end:
                # The log has grown or moved since; what we want is there after all.
                self._consumer.seek(place, at)
            elif at < begin:
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

    def _truncated(self, divergent: Mapping[KafkaPartition, Any]) -> None:
        """A new leader's log differs from what we have read (KIP-320, unclean election)."""
        for place in sorted(set(divergent) & self._consumer.assignment()):
            known = divergent[place]
            if known is None or self._policy == "none":
                self._gone(place, "a new leader's log differs from what was read")
                continue
            journal.warning(
                "a new leader's log differs from what was read; going on where they part",
                topic=place.topic,
                partition=place.partition,
                position=known.offset,
            )
            self._consumer.seek(place, known.offset)

    def _gone(self, place: KafkaPartition, what: str, **numbers: int) -> None:
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
        self._seek([place])

    def _seek(self, places: list[KafkaPartition]) -> None:
        if self._policy == "earliest":
            self._consumer.seek_to_beginning(*places)
        else:
            self._consumer.seek_to_end(*places)


def _named(places: Iterable[KafkaPartition]) -> str:
    return ", ".join(f"{place.topic}[{place.partition}]" for place in places)
