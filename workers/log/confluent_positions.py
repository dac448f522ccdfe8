"""What happens where there is no position to read from, behind librdkafka.

It is reported, then by policy, as `workers.log.kafka_positions` does it behind kafka-python.
librdkafka is told to reset nothing by itself (its ``auto.offset.reset`` is ``error``), and says
once of each partition that it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import structlog
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException
from confluent_kafka import TopicPartition as Place

from workers.errors import LogUnavailableError, PositionLostError
from workers.log.confluent_errors import error_of, translate
from workers.log.connection import Connection
from workers.log.contract import TopicPartition

journal = structlog.get_logger(__name__)

LOOKUP_SECONDS: Final = 5.0
# Of KIP-320: where the logs of the old and the new leader part, as librdkafka words it.
_TRUNCATED: Final = re.compile(r"truncation", re.IGNORECASE)
_PARTED_AT: Final = re.compile(r"end offset is (\d+)")


class PositionReset:
    """Finds a new position for partitions whose position does not exist (any more).

    Args:
        consumer: Whose positions.
        connection: Says the policy and the group.
        move: Lets the consumer read on from an offset, or from the beginning or the end.
    """

    def __init__(
        self,
        consumer: Consumer,
        connection: Connection,
        move: Callable[[TopicPartition, int], None],
    ) -> None:
        self._consumer = consumer
        self._policy = connection.auto_offset_reset
        self._group = connection.group_id
        self._move = move
        self._standing: dict[TopicPartition, tuple[int, str]] = {}

    def stands(self, place: TopicPartition, offset: int, reason: str) -> None:
        """The consumer reads no further in a partition; a negative offset is none."""
        self._standing[place] = (offset, reason)

    def forget(self, place: TopicPartition) -> None:
        """The partition is read from elsewhere now, or by somebody else."""
        self._standing.pop(place, None)

    def move_on(self) -> LogUnavailableError | None:
        """Give a new position to each partition that stands.

        Returns:
            Why that cannot be done just now for one of them; call again. None if it was done.

        Raises:
            PositionLostError: the policy is to stop.
        """
        problem = None
        for place in sorted(self._standing):
            offset, reason = self._standing[place]
            try:
                if _TRUNCATED.search(reason):
                    self._truncated(place, reason)
                elif offset < 0:
                    self._begin(place)
                else:
                    self._out_of_range(place, offset)
            except LogUnavailableError as error:
                problem = error
            else:
                self._standing.pop(place, None)
        return problem

    def _begin(self, place: TopicPartition) -> None:
        """The group has never committed for it."""
        if self._policy == "none":
            raise PositionLostError(
                f"group '{self._group}' has committed nothing for {_named(place)}, and "
                "--auto-offset-reset is 'none'; set it to earliest or latest for the first start, "
                "or commit positions with Kafka's tools"
            )
        self._by_policy(place)

    def _out_of_range(self, place: TopicPartition, at: int) -> None:
        """Retention has removed the next record, or the topic was made anew."""
        begin, end = self._bounds(place)
        if begin <= at <= end:
            # The log has grown or moved since; what we want is there after all.
            self._move(place, at)
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

    def _truncated(self, place: TopicPartition, reason: str) -> None:
        """A new leader's log differs from what we have read (KIP-320, unclean election)."""
        parted = _PARTED_AT.search(reason)
        if parted is None or self._policy == "none":
            self._gone(place, "a new leader's log differs from what was read")
            return
        journal.warning(
            "a new leader's log differs from what was read; going on where they part",
            topic=place.topic,
            partition=place.partition,
            position=int(parted[1]),
        )
        self._move(place, int(parted[1]))

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
                f"{_named(place)}: {what} ({told}), and --auto-offset-reset is 'none'; set it "
                "to earliest or latest, or commit another position with Kafka's tools"
            )
        self._by_policy(place)

    def _by_policy(self, place: TopicPartition) -> None:
        # Looked up by the client, which goes on trying: it may not know a new partition yet.
        self._move(place, OFFSET_BEGINNING if self._policy == "earliest" else OFFSET_END)

    def _bounds(self, place: TopicPartition) -> tuple[int, int]:
        try:
            begin, end = self._consumer.get_watermark_offsets(Place(*place), LOOKUP_SECONDS)
        except KafkaException as error:
            doing = f"looking up positions of '{place.topic}'"
            raise translate(error_of(error), doing) from error
        return begin, end


def _named(place: TopicPartition) -> str:
    return f"{place.topic}[{place.partition}]"
