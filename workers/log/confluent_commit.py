"""Commits positions of a member of a group, behind librdkafka."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as Place

from workers.log.confluent_errors import error_of, translate

# A commit that gets no answer for so long is given up: the next one covers it.
_ANSWER_SECONDS: Final = 10.0
# How long a generation takes to be settled that is about to be.
_NEXT_GENERATION_SECONDS: Final = 3.0
_NEXT_LOOK_SECONDS: Final = 0.05
_BETWEEN_GENERATIONS: Final = (KafkaError.ILLEGAL_GENERATION, KafkaError.REBALANCE_IN_PROGRESS)
_NO_ANSWER: Final = KafkaError._TIMED_OUT  # noqa: SLF001 - the name that confluent-kafka gives it


class Commits:
    """Commits one after the other, and waits for none of them for ever.

    librdkafka 2.16.1 does, if a broker goes away just then, until one is there again; who polls
    would stand still for as long. So it waits on a thread of its own, which is left behind where
    no answer comes. A listener's last chance is asked from its own thread, though: while the
    library closes it answers no other.

    Args:
        consumer: The member.
        see_member: Raises where we are no member: from such a one a broker takes anything.
    """

    def __init__(self, consumer: Consumer, see_member: Callable[[], object]) -> None:
        self._consumer = consumer
        self._see_member = see_member
        self._under_way: threading.Thread | None = None

    @property
    def unanswered(self) -> bool:
        """Whether one is still waited for; then the library answers nothing about the group."""
        return self._under_way is not None and self._under_way.is_alive()

    def commit(self, places: list[Place], doing: str, *, last_chance: bool) -> None:
        """Commit positions of partitions that are ours.

        Args:
            places: Partitions, positions, and their notes.
            doing: What is being done, for messages.
            last_chance: Whether the listener is told just now that partitions go. The library may
                be joining the next generation already; they are ours in that one too, until the
                listener returns.

        Raises:
            WorkerError: not committed, as far as is known.
        """
        if self.unanswered:
            # Another beside it might be overtaken by it, and would wait as it does.
            late = KafkaError(_NO_ANSWER, "a commit before this one has no answer yet")
            raise translate(late, doing)
        deadline = time.monotonic() + (_NEXT_GENERATION_SECONDS if last_chance else 0.0)
        while True:
            self._see_member()
            fault = _asked(self._consumer, places) if last_chance else self._once(places)
            if fault is None:
                return
            if fault.code() not in _BETWEEN_GENERATIONS or time.monotonic() >= deadline:
                raise translate(fault, doing)
            time.sleep(_NEXT_LOOK_SECONDS)

    def _once(self, places: list[Place]) -> KafkaError | None:
        """Commit, and wait for so long at the most; return why not."""
        answers: list[KafkaError | None] = []
        raised: list[BaseException] = []

        def ask() -> None:
            try:
                answers.append(_asked(self._consumer, places))
            except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
                raised.append(error)

        self._under_way = threading.Thread(target=ask, name="committing", daemon=True)
        self._under_way.start()
        self._under_way.join(_ANSWER_SECONDS)
        if raised:
            raise raised[0]
        return answers[0] if answers else KafkaError(_NO_ANSWER, "no answer to a commit")


def _asked(consumer: Consumer, places: list[Place]) -> KafkaError | None:
    """Commit, and wait for the answer; return why not."""
    try:
        answers = consumer.commit(offsets=places, asynchronous=False)
    except KafkaException as error:
        return error_of(error)
    return next((answer.error for answer in answers if answer.error is not None), None)
