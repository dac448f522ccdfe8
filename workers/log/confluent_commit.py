"""Commits positions of a member of a group, behind librdkafka."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as Place

from workers.log.confluent_errors import error_of, translate

# How long a generation takes to be settled that is about to be.
_NEXT_GENERATION_SECONDS: Final = 3.0
_NEXT_LOOK_SECONDS: Final = 0.05
_BETWEEN_GENERATIONS: Final = (KafkaError.ILLEGAL_GENERATION, KafkaError.REBALANCE_IN_PROGRESS)


def commit_places(
    consumer: Consumer,
    places: list[Place],
    see_member: Callable[[], object],
    doing: str,
    *,
    last_chance: bool,
) -> None:
    """Commit positions of partitions that are ours.

    Args:
        consumer: The member.
        places: Partitions, positions, and their notes.
        see_member: Raises where we are no member: from such a one a broker takes anything.
        doing: What is being done, for messages.
        last_chance: Whether the listener is told just now that partitions go. The library may be
            joining the next generation already; they are ours in that one too, until the listener
            returns.

    Raises:
        WorkerError: not committed.
    """
    deadline = time.monotonic() + (_NEXT_GENERATION_SECONDS if last_chance else 0.0)
    while True:
        see_member()
        fault = _commit_once(consumer, places)
        if fault is None:
            return
        if fault.code() not in _BETWEEN_GENERATIONS or time.monotonic() >= deadline:
            raise translate(fault, doing)
        time.sleep(_NEXT_LOOK_SECONDS)


def _commit_once(consumer: Consumer, places: list[Place]) -> KafkaError | None:
    """Commit; return why not."""
    try:
        answers = consumer.commit(offsets=places, asynchronous=False)
    except KafkaException as error:
        return error_of(error)
    return next((answer.error for answer in answers if answer.error is not None), None)
