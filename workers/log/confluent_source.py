"""A member of a Kafka consumer group, behind librdkafka."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as Place

from workers.errors import AssignmentLostError, LogError
from workers.log import topics
from workers.log.confluent_commit import Commits
from workers.log.confluent_errors import error_of, translate
from workers.log.confluent_events import Events
from workers.log.confluent_leaving import leave, named
from workers.log.confluent_membership import known_to
from workers.log.confluent_options import consumer_options
from workers.log.confluent_positions import LOOKUP_SECONDS, PositionReset
from workers.log.confluent_reading import Event, Reading
from workers.log.confluent_rebalance import Assignment
from workers.log.connection import Connection
from workers.log.contract import AssignmentListener, Membership, Records, TopicPartition
from workers.log.topic_doubt import TopicDoubt

journal = structlog.get_logger(__name__)

# Leaving the group is a courtesy: without it the session times out.
LEAVE_SECONDS: Final = 5.0
# How old what other threads are told of our membership may be.
_LOOK_SECONDS: Final = 0.1
_STANDING: Final = (KafkaError._AUTO_OFFSET_RESET, KafkaError._LOG_TRUNCATION)  # noqa: SLF001
_NO_TOPIC: Final = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - the names that confluent-kafka gives them
    KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
)


class ConfluentSource:
    """`workers.log.contract.Source` on confluent-kafka's consumer.

    The listener is told from inside `poll` and `close`.

    What is fetched and not polled yet is bounded by ``queued.max.messages.kbytes`` a partition
    (1 MiB) and one fetched batch of records beyond it.

    Args:
        connection: How to reach the cluster, and its group.
        notes: Metadata of the positions that are committed.
    """

    def __init__(
        self, connection: Connection, notes: Mapping[TopicPartition, str] | None = None
    ) -> None:
        self._connection = connection
        self._notes = notes or {}
        self._topic = ""
        self._paused = False
        self._held: frozenset[TopicPartition] = frozenset()
        self._events = Events(connection)
        self._consumer: Consumer | None = None
        self._assignment: Assignment | None = None
        self._reset: PositionReset | None = None
        self._commits: Commits | None = None
        self._reading = Reading("", connection)
        self._doubt = TopicDoubt(connection, "")
        # The thread that polls, and what it saw last of our place in the group.
        self._owner = 0
        self._member: Membership | None = None
        self._looked_at = 0.0

    def subscribe(self, topic: str, listener: AssignmentListener) -> None:
        """See `workers.log.contract.Source`."""
        largest = topics.facts(self._connection, topic).max_message_bytes
        options = consumer_options(self._connection, largest)
        consumer = Consumer({**options, **self._events.options()})
        assignment = Assignment(listener, self._coming, self._going)
        self._topic = topic
        self._owner = threading.get_ident()
        self._reading = Reading(topic, self._connection)
        self._doubt = TopicDoubt(self._connection, topic)
        self._reset = PositionReset(consumer, self._connection, self._move)
        self._commits = Commits(consumer, self.membership)
        self._assignment = assignment
        self._consumer = consumer
        consumer.subscribe(
            [topic],
            on_assign=assignment.on_assign,
            on_revoke=assignment.on_revoke,
            on_lost=assignment.on_lost,
        )

    def poll(self, max_records: int, timeout: float) -> Records:
        """See `workers.log.contract.Source`."""
        consumer, assignment = self._joined()
        deadline = time.monotonic() + timeout
        self._reading.raise_spoilt()
        messages = self._consumed(consumer, max_records, 0.0)
        while True:
            self._events.raise_refusal()
            assignment.raise_failure()
            if assignment.changed or time.monotonic() - self._looked_at > _LOOK_SECONDS:
                self._look_at_membership()
            held = assignment.held if assignment.changed else None
            if held is not None and not held:
                self._doubt.arise()
            assignment.changed = False
            records, events = self._reading.take(messages, held)
            for event in events:
                self._heed(event)
            if len(records):
                self._events.connected = True  # before statistics say so
                return records
            self._doubt.settle()
            # What cannot be read is told only where nothing that was read would be lost by it.
            self._reading.raise_spoilt()
            problem = self._reset.move_on() if self._reset is not None else None
            left = deadline - time.monotonic()
            if left <= 0:
                if problem is not None:
                    raise problem
                return records
            # The first that comes, and what has come with it.
            messages = self._consumed(consumer, 1, left)
            if messages and max_records > 1:
                messages += self._consumed(consumer, max_records - 1, 0.0)

    def positions(self) -> Mapping[TopicPartition, int]:
        """See `workers.log.contract.Source`."""
        self._joined()
        return dict(self._reading.positions)

    def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """See `workers.log.contract.Source`."""
        _, assignment = self._joined()
        held = assignment.held
        ours = [
            Place(*place, offset, self._notes.get(place, ""))
            for place, offset in positions.items()
            if place in held
        ]
        if ours and self._commits is not None:
            doing = f"committing positions of '{self._topic}' for '{self._connection.group_id}'"
            self._commits.commit(ours, doing, last_chance=assignment.telling)
        if len(ours) < len(positions):
            lost = sorted(place.partition for place in positions if place not in held)
            raise AssignmentLostError(
                f"partitions {lost} of '{self._topic}' are no longer assigned to this member; "
                "their positions were not committed"
            )

    def pause(self) -> None:
        """See `workers.log.contract.Source`."""
        consumer, assignment = self._joined()
        self._paused = True
        consumer.pause(_places(assignment.held))

    def resume(self) -> None:
        """See `workers.log.contract.Source`."""
        consumer, assignment = self._joined()
        self._paused = False
        consumer.resume(_places(assignment.held - self._held))

    def hold(self, partitions: Collection[TopicPartition]) -> None:
        """See `workers.log.contract.Source`."""
        consumer, assignment = self._joined()
        self._held = frozenset(partitions)
        for place in self._held:
            self._reading.forgive(place)
        consumer.pause(_places(assignment.held & self._held))
        if not self._paused:
            consumer.resume(_places(assignment.held - self._held))

    def skip(self, place: TopicPartition, offset: int) -> None:
        """See `workers.log.contract.Source`."""
        _, assignment = self._joined()
        if place in assignment.held:
            self._move(place, offset)

    def membership(self) -> Membership:
        """See `workers.log.contract.Source`.

        The owner alone asks the consumer; other threads are told what it saw last, a moment ago:
        an earlier generation fences no less.
        """
        self._joined()
        if threading.get_ident() == self._owner:
            self._look_at_membership()
        known = self._member
        if known is None:
            # Positions of who is no member would be taken from anybody.
            raise AssignmentLostError(f"no member of group '{self._connection.group_id}' just now")
        return known

    def reachable(self) -> bool:
        """See `workers.log.contract.Source`: whether a broker is connected."""
        self._joined()
        return self._events.connected

    def lag(self) -> Mapping[TopicPartition, int]:
        """See `workers.log.contract.Source`; ends are as of the last fetch."""
        consumer, _ = self._joined()
        found: dict[TopicPartition, int] = {}
        for place, position in self._reading.positions.items():
            _, end = consumer.get_watermark_offsets(Place(*place), cached=True)
            if end < 0:
                try:
                    _, end = consumer.get_watermark_offsets(Place(*place), LOOKUP_SECONDS)
                except KafkaException as error:
                    doing = f"looking up the end of '{self._topic}'"
                    raise translate(error_of(error), doing) from error
            found[place] = max(0, end - position)
        return found

    def close(self) -> None:
        """See `workers.log.contract.Source`."""
        consumer, assignment = self._consumer, self._assignment
        if consumer is None or assignment is None:
            return
        assignment.leaving = True
        silent = self._commits is not None and self._commits.unanswered
        member = None if silent else named(consumer, lambda: self._events.connected)
        # On a thread of its own, since it waits for a broker for as long as that takes. The
        # listener is told from inside, and may still commit.
        leaving = threading.Thread(target=consumer.close, name="leaving", daemon=True)
        leaving.start()
        while leaving.is_alive():
            leaving.join(LEAVE_SECONDS)
            if leaving.is_alive() and not assignment.telling:
                journal.warning("leaving the group takes too long; its session will time out")
                break
        if member is not None and self._events.connected:
            leave(self._connection, member)
        self._consumer = None
        self._reading.close()
        assignment.raise_failure()

    def _joined(self) -> tuple[Consumer, Assignment]:
        if self._consumer is None or self._assignment is None:
            raise LogError("the source is not subscribed, or closed")
        return self._consumer, self._assignment

    def _look_at_membership(self) -> None:
        """Remember what we are to the group; for the owner."""
        consumer, _ = self._joined()
        if self._commits is not None and self._commits.unanswered:
            return
        known = known_to(consumer)
        is_member = known is not None and known.generation >= 0 and bool(known.member_id)
        self._member = known if is_member else None
        self._looked_at = time.monotonic()

    def _consumed(self, consumer: Consumer, most: int, timeout: float) -> list[Message]:
        try:
            return consumer.consume(most, timeout)
        except KafkaException as error:
            raise translate(error_of(error), f"reading topic '{self._topic}'") from error

    def _heed(self, event: Event) -> None:
        """Act on what was said of a partition or the topic.

        Raises:
            WorkerError: it ends the reading.
        """
        code = event.error.code()
        if (again := self._reading.came_upon(event)) is not None:
            self._move(event.place, again)
        elif code in _STANDING and self._reset is not None:
            self._reset.stands(event.place, event.offset, str(event.error.str()))
        elif code in _NO_TOPIC:
            self._doubt.arise()
        else:
            error = translate(event.error, f"reading topic '{self._topic}'")
            if not error.retriable and not isinstance(error, AssignmentLostError):
                raise error

    def _coming(self, places: Collection[TopicPartition]) -> None:
        consumer, _ = self._joined()
        self._look_at_membership()  # before anybody acts on what is new
        held = {place for place in places if self._paused or place in self._held}
        consumer.pause(_places(held))
        # The library remembers of a partition that it was paused when it left.
        consumer.resume(_places(set(places) - held))

    def _going(self, places: Iterable[TopicPartition]) -> None:
        for place in places:
            self._reading.forget(place)
            if self._reset is not None:
                self._reset.forget(place)

    def _move(self, place: TopicPartition, offset: int) -> None:
        consumer, _ = self._joined()
        at = Place(*place, offset)
        try:
            consumer.seek(at)
        except KafkaException as error:
            if error_of(error).code() != KafkaError._STATE:  # noqa: SLF001 - its name there
                raise translate(error_of(error), f"reading topic '{self._topic}'") from error
            # It is not read yet, or no more, and so has to begin there.
            consumer.incremental_unassign([at])
            consumer.incremental_assign([at])
            self._coming([place])
        self._reading.moved(place, offset)
        if self._reset is not None:
            self._reset.forget(place)


def _places(places: Iterable[TopicPartition]) -> list[Place]:
    return [Place(*place) for place in places]
