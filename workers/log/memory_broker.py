"""The in-process log's side of things: topics, groups, and faults to order."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence

from workers.errors import LogUnavailableError, TopicMissingError
from workers.log.contract import Headers, Outgoing, TopicPartition
from workers.log.delivery import PendingDelivery
from workers.log.memory_group import MemoryGroup
from workers.log.memory_topic import DEFAULT_MAX_MESSAGE_BYTES, MemoryTopic


class MemoryBroker:
    """Holds topics and groups for any number of `workers.log.memory.MemoryLog`. Thread-safe.

    Args:
        clock: Seconds since the epoch: timestamps of records, silence of members. Waiting for
            records goes by real time.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        # Guards everything here and below; notified when records or assignments change.
        self.changed = threading.Condition(threading.RLock())
        self.groups: defaultdict[str, MemoryGroup] = defaultdict(MemoryGroup)
        self._topics: dict[str, MemoryTopic] = {}
        self._refusals: deque[Exception] = deque()
        self._held: list[tuple[PendingDelivery, dict[int, Exception]]] | None = None
        self._reachable = True
        # Who has a name of transactions; and faults of those to come: whether they are committed.
        self.transactors: dict[str, object] = {}
        self.lost_answers: deque[bool] = deque()

    def create_topic(
        self,
        name: str,
        partitions: int = 1,
        *,
        max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
    ) -> None:
        """Make a topic; one of that name is left as it is."""
        with self.changed:
            self._topics.setdefault(name, MemoryTopic(name, partitions, max_message_bytes))

    def topic(self, name: str) -> MemoryTopic:
        """A topic, to look at or change while holding ``changed``.

        Raises:
            TopicMissingError: there is none of that name.
            LogUnavailableError: faults were ordered.
        """
        with self.changed:
            self.check_reachable()
            if name not in self._topics:
                raise TopicMissingError(f"topic '{name}' does not exist")
            return self._topics[name]

    def append(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers = (),
        partition: int = 0,
        timestamp: int | None = None,
    ) -> None:
        """Add one record, wherever it is wanted."""
        at = int(self.clock() * 1000) if timestamp is None else timestamp
        with self.changed:
            self.topic(topic).partitions[partition].append(key, value, headers, at)
            self.changed.notify_all()

    def skip_offsets(self, place: TopicPartition, count: int = 1) -> None:
        """Leave a gap, as transaction markers and compaction do."""
        with self.changed:
            self.topic(place.topic).partitions[place.partition].skip(count)
            self.changed.notify_all()

    def remove_before(self, place: TopicPartition, offset: int) -> None:
        """Remove a prefix, as retention does."""
        with self.changed:
            self.topic(place.topic).partitions[place.partition].remove_before(offset)
            self.changed.notify_all()

    def recreate_topic(self, name: str) -> None:
        """Delete a topic and make it again: empty, from offset 0; committed positions stay."""
        with self.changed:
            for partition in self.topic(name).partitions:
                partition.start_anew()
            self.changed.notify_all()

    def committed(self, group_id: str) -> dict[TopicPartition, int]:
        """What a group has committed."""
        with self.changed:
            return dict(self.groups[group_id].committed)

    def expel(self, group_id: str, partitions: Iterable[TopicPartition]) -> None:
        """Take the owners of these partitions for dead, as the group does after a silence."""
        with self.changed:
            self.groups[group_id].expel_owners(partitions)
            self.changed.notify_all()

    # Faults to order.

    def refuse_next(self, *errors: Exception) -> None:
        """Let the next rows that are published fail, one with each error."""
        with self.changed:
            self._refusals.extend(errors)

    def hold_acknowledgements(self) -> None:
        """Take in rows from now on, but tell no publisher, until `release_acknowledgements`."""
        with self.changed:
            if self._held is None:
                self._held = []

    def release_acknowledgements(self) -> None:
        """Tell publishers, on this thread, what became of their rows; hold back no more."""
        with self.changed:
            held, self._held = self._held or [], None
        for delivery, failures in held:
            delivery.resolve(failures)

    def spoil(self, place: TopicPartition, first: int, last: int) -> None:
        """Let records from one offset to another (included) be undecodable."""
        with self.changed:
            self.topic(place.topic).partitions[place.partition].spoilt = (first, last)

    def lose_answers(self, *committed: bool) -> None:
        """Let the next transactions end without an answer, each committed or not."""
        with self.changed:
            self.lost_answers.extend(committed)

    def set_reachable(self, reachable: bool) -> None:
        """Be gone, or come back: every operation raises `LogUnavailableError` meanwhile."""
        with self.changed:
            self._reachable = reachable
            self.changed.notify_all()

    @property
    def reachable(self) -> bool:
        """Whether calls come through."""
        return self._reachable

    def check_reachable(self) -> None:
        """Raise while gone.

        Raises:
            LogUnavailableError: gone.
        """
        if not self._reachable:
            raise LogUnavailableError("the in-process log is not reachable just now")

    # For sinks.

    def refusals(self, outgoing: Outgoing) -> dict[int, Exception]:
        """Rows that the topic can never take, each with its error."""
        topic = self.topic(outgoing.topic)
        errors = {}
        for row, (key, value) in enumerate(zip(outgoing.keys, outgoing.values, strict=True)):
            headers = () if outgoing.headers is None else outgoing.headers[row]
            errors[row] = topic.refusal(key, value, headers)
        return {row: error for row, error in errors.items() if error is not None}

    def write(self, outgoing: Outgoing, partitions: Sequence[int]) -> dict[int, Exception]:
        """Append rows; return the errors of those that are refused."""
        failures: dict[int, Exception] = {}
        with self.changed:
            topic = self.topic(outgoing.topic)
            now = int(self.clock() * 1000)
            for row, (key, value) in enumerate(zip(outgoing.keys, outgoing.values, strict=True)):
                headers = () if outgoing.headers is None else list(outgoing.headers[row])
                error = self._refusals.popleft() if self._refusals else None
                error = error or topic.refusal(key, value, headers)
                if error is None:
                    topic.partitions[partitions[row]].append(key, value, headers, now)
                else:
                    failures[row] = error
            self.changed.notify_all()
        return failures

    def acknowledge(self, delivery: PendingDelivery, failures: dict[int, Exception]) -> None:
        """Tell a publisher, now or when acknowledgements are released."""
        with self.changed:
            if self._held is not None:
                self._held.append((delivery, failures))
                return
        delivery.resolve(failures)
