"""confluent-kafka's producer: served by a thread of its own, and with an end that always comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition as Place

from workers.errors import LogUnavailableError
from workers.log.confluent_errors import error_of, translate
from workers.log.confluent_events import Events
from workers.log.confluent_membership import pack
from workers.log.connection import Connection
from workers.log.contract import Membership, Outgoing, TopicPartition
from workers.log.partitioning import Partitioner

journal = structlog.get_logger(__name__)

Ended = Callable[[dict[int, KafkaError]], None]

# How soon the thread sees that it is to end; reports wake it up at once.
_TURN_SECONDS: Final = 0.1
# Failing what is left takes a moment, and so does finding out partitions.
_FAILING_SECONDS: Final = 1.0
_GRACE_SECONDS: Final = 1.0
_LOOKUP_SECONDS: Final = 10.0
# Partitions of a topic, to spread rows without a key over, are looked up anew after this.
_KNOWN_SECONDS: Final = 30.0
_BY_KEY: Final = -1


class ServedProducer:
    """A `Producer` whose delivery reports are served by a thread.

    Args:
        connection: How the cluster is reached.
        options: Of the producer.
    """

    def __init__(self, connection: Connection, options: Mapping[str, Any]) -> None:
        self.events = Events(connection)
        self._producer = Producer({**options, **self.events.options()})
        self._partitioner = Partitioner()
        self._partitions: dict[str, tuple[float, int, list[int]]] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="acknowledging", daemon=True)
        self._thread.start()

    def send(self, outgoing: Outgoing, rows: Sequence[int], ended: Ended) -> None:
        """Give rows to the client; ``ended`` is told their errors once all have a fate.

        Args:
            outgoing: What to send of.
            rows: Which.
            ended: Called on the thread that serves, or on this one.
        """
        reports = _Reports(ended)
        report = reports.report
        produce = self._producer.produce
        topic, keys, values = outgoing.topic, outgoing.keys, outgoing.values
        headers, refused = outgoing.headers, 0
        for row, partition in zip(rows, self._assigned(outgoing, rows), strict=True):
            told = partial(report, row)
            try:
                if headers is not None and headers[row]:
                    produce(
                        topic,
                        values[row],
                        keys[row],
                        partition,
                        told,
                        headers=list(headers[row]),
                    )
                else:
                    produce(topic, values[row], keys[row], partition, told)
            except (KafkaException, BufferError) as error:
                reports.errors[row] = (
                    error_of(error)
                    if isinstance(error, KafkaException)
                    else KafkaError(KafkaError._QUEUE_FULL, str(error))  # noqa: SLF001
                )
                refused += 1
        reports.expect(len(rows) - refused)

    def _assigned(self, outgoing: Outgoing, rows: Sequence[int]) -> Sequence[int]:
        """The partition of each row; where there is a key, the client finds it as Kafka's does."""
        if outgoing.partitions is not None:
            return [outgoing.partitions[row] for row in rows]
        keyless = [place for place, row in enumerate(rows) if outgoing.keys[row] is None]
        assigned = [_BY_KEY] * len(rows)
        if keyless:
            count, led = self._partitions_of(outgoing.topic)
            nothing = [None] * len(keyless)
            spread = self._partitioner.assign(
                Outgoing(topic=outgoing.topic, keys=nothing, values=nothing), count, led
            )
            for place, partition in zip(keyless, spread, strict=True):
                assigned[place] = partition
        return assigned

    def _partitions_of(self, topic: str) -> tuple[int, list[int]]:
        """How many partitions a topic has, and those that have a leader (all, if none has)."""
        now = time.monotonic()
        since, count, led = self._partitions.get(topic, (-_KNOWN_SECONDS, 0, []))
        if now - since >= _KNOWN_SECONDS:
            doing = f"publishing to topic '{topic}'"
            try:
                found = self._producer.list_topics(topic, _LOOKUP_SECONDS).topics[topic]
            except KafkaException as error:
                raise translate(error_of(error), doing) from error
            if found.error is not None or not found.partitions:
                raise LogUnavailableError(f"{doing}: it has no partitions just now")
            count = len(found.partitions)
            led = sorted(one.id for one in found.partitions.values() if one.leader >= 0)
            led = led or list(range(count))
            self._partitions[topic] = (now, count, led)
        return count, led

    def fail_all(self) -> None:
        """Give up all rows that are not acknowledged."""
        self._producer.purge(blocking=False)

    def init_within(self, timeout: float) -> None:
        """Take over the name of the transactions, ending what was left open.

        Raises:
            KafkaException: not done.
        """
        self._within(timeout, lambda: self._producer.init_transactions(timeout))

    def begin(self) -> None:
        """Begin a transaction.

        Raises:
            KafkaException: not done.
        """
        self._producer.begin_transaction()

    def add_offsets(
        self,
        positions: Mapping[TopicPartition, int],
        notes: Mapping[TopicPartition, str],
        member: Membership,
        timeout: float,
    ) -> None:
        """Let the transaction commit positions of a group.

        Raises:
            KafkaException: not done.
        """
        places = [
            Place(*place, offset, notes.get(place, "")) for place, offset in positions.items()
        ]
        packed = pack(member)
        self._within(
            timeout,
            lambda: self._producer.send_offsets_to_transaction(places, packed, timeout),
        )

    def commit_within(self, timeout: float) -> None:
        """Commit the transaction.

        Raises:
            KafkaException: not done, or not known to be.
        """
        self._within(timeout, lambda: self._producer.commit_transaction(timeout))

    def abort_within(self, timeout: float) -> None:
        """Abort the transaction.

        Raises:
            KafkaException: not done.
        """
        self._within(timeout, lambda: self._producer.abort_transaction(timeout))

    def end(self, timeout: float) -> None:
        """Let go; fail, within ``timeout`` seconds, whatever is not acknowledged by then."""
        deadline = time.monotonic() + timeout
        while len(self._producer) and time.monotonic() < deadline:
            self._ending.wait(min(0.01, max(0.0, deadline - time.monotonic())))
        if len(self._producer):
            self.fail_all()
            deadline = time.monotonic() + _FAILING_SECONDS
            while len(self._producer) and time.monotonic() < deadline:
                self._ending.wait(0.01)
        self._ending.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(_FAILING_SECONDS)

    def _within(self, timeout: float, call: Callable[[], None]) -> None:
        """Call; wait no longer than that, and a moment.

        librdkafka 2.16 was seen to wait for minutes in ``send_offsets_to_transaction``, whatever
        timeout it was given, after connections had broken in the middle of answers. Whoever takes
        over the name of the transactions then ends what it has left open.

        Raises:
            KafkaException: as the call, or it has not come back.
        """
        failure: list[BaseException] = []

        def run() -> None:
            try:
                call()
            except BaseException as error:  # noqa: BLE001 - raised below
                failure.append(error)

        thread = threading.Thread(target=run, name="transacting", daemon=True)
        thread.start()
        thread.join(timeout + _GRACE_SECONDS)
        if thread.is_alive():
            told = f"no answer within {timeout:.0f} seconds"
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, told))  # noqa: SLF001
        if failure:
            raise failure[0]

    def _serve(self) -> None:
        while not self._ending.is_set():
            try:
                self._producer.poll(_TURN_SECONDS)
            except KafkaException as error:
                # Raised here, once, when the client is of no more use.
                self.events.failed(error_of(error))
            if self.events.refused() or self.events.fatal is not None:
                # It would try for as long as it may hold on to its rows.
                self.fail_all()


class _Reports:
    """Counts the delivery reports of one publishing."""

    def __init__(self, ended: Ended) -> None:
        self._ended = ended
        self._lock = threading.Lock()
        self._reported = 0
        self._expected: int | None = None
        self._told = False
        self.errors: dict[int, KafkaError] = {}

    def report(self, row: int, error: KafkaError | None, _message: object) -> None:
        """One row has a fate; always on the same thread."""
        if error is not None:
            self.errors[row] = error
        self._reported += 1
        if self._reported == self._expected:
            self._all_reported()

    def expect(self, count: int) -> None:
        """So many rows were sent in all."""
        self._expected = count
        if self._reported == count:
            self._all_reported()

    def _all_reported(self) -> None:
        with self._lock:
            if self._told:
                return
            self._told = True
        self._ended(self.errors)
