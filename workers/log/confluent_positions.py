"""What librdkafka says where there is no position to read from, and moving on from there.

It is told to reset nothing by itself (its ``auto.offset.reset`` is ``error``), and says once of
each partition that it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException
from confluent_kafka import TopicPartition as Place

from workers.errors import LogUnavailableError
from workers.log.confluent_errors import error_of, translate
from workers.log.connection import Connection
from workers.log.contract import TopicPartition
from workers.log.reset_policy import ResetPolicy

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
        self._policy = ResetPolicy(connection.auto_offset_reset, connection.group_id)
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
            try:
                offset = self._decided(place, *self._standing[place])
                if offset is None:
                    # Looked up by the client, which goes on trying: it may not know a new
                    # partition yet.
                    offset = OFFSET_BEGINNING if self._policy.earliest else OFFSET_END
                self._move(place, offset)
            except LogUnavailableError as error:
                problem = error
            else:
                self._standing.pop(place, None)
        return problem

    def _decided(self, place: TopicPartition, at: int, reason: str) -> int | None:
        """Where to read on; None for what the policy says."""
        if _TRUNCATED.search(reason):
            parted = _PARTED_AT.search(reason)
            return self._policy.truncated(place, None if parted is None else int(parted[1]))
        if at < 0:
            self._policy.nothing_committed([place])
            return None
        return self._policy.out_of_range(place, at, *self._bounds(place))

    def _bounds(self, place: TopicPartition) -> tuple[int, int]:
        try:
            begin, end = self._consumer.get_watermark_offsets(Place(*place), LOOKUP_SECONDS)
        except KafkaException as error:
            doing = f"looking up positions of '{place.topic}'"
            raise translate(error_of(error), doing) from error
        return begin, end
