"""kafka-python's producer, with a row's way through it watched, and an end that always comes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from kafka import KafkaProducer, OffsetAndMetadata
from kafka import TopicPartition as KafkaPartition
from kafka.errors import IllegalStateError, KafkaTimeoutError
from kafka.producer.sender import Sender
from kafka.structs import ConsumerGroupMetadata

# Failing what is left takes the producer's thread a moment.
_FAILING_SECONDS: Final = 1.0


class Producer(KafkaProducer):  # type: ignore[misc]  # kafka has no types
    """`KafkaProducer` that can tell partitions with a leader, and can be given up."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # The constructor leaves no choice of the thread that sends, and has started it.
        self._sender.woken = False
        self._sender.__class__ = _Sender

    def led_partitions(self, topic: str) -> tuple[int, list[int]]:
        """How many partitions a topic has, and those that have a leader (all, if none has).

        Raises:
            KafkaError: nothing is known of the topic within ``max.block.ms``.
        """
        everything = self.partitions_for(topic)
        led = self._metadata.available_partitions_for_topic(topic)
        return len(everything), sorted(led or everything)

    def send_row(
        self,
        place: KafkaPartition,
        value: bytes | None,
        key: bytes | None,
        headers: list[tuple[str, bytes]],
    ) -> Any:
        """As `send`, without looking the topic up and measuring the row for each anew.

        The caller has seen that the topic is known (`led_partitions`), and that the row is not
        too large.

        Raises:
            KafkaError: the producer is closed.
            ValueError: there is neither key nor value.
        """
        if self._closed:
            raise IllegalStateError("the producer is closed")
        if value is None and key is None:
            raise ValueError("Need at least one: key or value")
        future, full, new, _ = self._accumulator.append(place, None, key, value, headers)
        if full or new:
            self._sender.wakeup()
        return future

    def enlist(self, places: Iterable[KafkaPartition]) -> None:
        """Make partitions part of the transaction that has begun, before rows are sent there.

        Raises:
            KafkaError: the transaction has met an error.
        """
        for place in places:
            self._transaction_manager.maybe_add_partition_to_transaction(place)

    def init_within(self, timeout: float) -> None:
        """As `init_transactions`, which waits for ``max.block.ms``.

        Raises:
            KafkaError: not initialised, or not within ``timeout`` seconds.
        """
        self._await(self._transaction_manager.initialize_transactions(), timeout)

    def add_offsets(
        self,
        positions: Mapping[KafkaPartition, OffsetAndMetadata],
        member: ConsumerGroupMetadata,
        timeout: float,
    ) -> None:
        """As `send_offsets_to_transaction`, which waits for as long as it takes.

        Raises:
            KafkaError: not added, or not within ``timeout`` seconds.
        """
        asked = self._transaction_manager.send_offsets_to_transaction(positions, member)
        self._await(asked, timeout)

    def commit_within(self, timeout: float) -> None:
        """As `commit_transaction`, which waits for as long as it takes.

        Raises:
            KafkaError: not committed, or not within ``timeout`` seconds.
        """
        self._await(self._transaction_manager.begin_commit(), timeout)

    def abort_within(self, timeout: float) -> None:
        """As `abort_transaction`, which waits for as long as it takes.

        Raises:
            KafkaError: not aborted, or not within ``timeout`` seconds.
        """
        self._await(self._transaction_manager.begin_abort(), timeout)

    @property
    def fault(self) -> Exception | None:
        """What put the transaction into a state of error; later errors say only that it is."""
        fault: Exception | None = self._transaction_manager.last_error
        return fault

    def _await(self, asked: Any, timeout: float) -> None:
        self._sender.wakeup()
        if not asked.wait(timeout_ms=1000 * timeout):
            raise KafkaTimeoutError(f"no answer within {timeout:.0f} seconds")

    def end(self, timeout: float) -> None:
        """Close; fail, within ``timeout`` seconds, whatever is not acknowledged by then."""
        with contextlib.suppress(KafkaTimeoutError):
            self.close(timeout)
            return
        # `close` gives up half-way when rows are left, and would again when the process exits.
        self._unregister_cleanup()
        self._sender.force_close()
        self._sender.join(_FAILING_SECONDS)
        self._closed = True


class _Sender(Sender):  # type: ignore[misc]  # kafka has no types
    """Is woken once for all rows that come while it is busy.

    kafka-python 3.0.12 wakes it, which is a system call, with every row that finds a full batch
    before it: with most of them, where the broker is slower than we are.
    """

    woken: bool

    def run_once(self) -> None:
        """Look for rows to send; whoever comes from here on wakes it anew."""
        self.woken = False
        super().run_once()

    def wakeup(self) -> None:
        """Let the wait of this turn, or the next, end at once."""
        if not self.woken:
            self.woken = True
            super().wakeup()


class Watch:
    """Calls back once all futures of one publishing are done.

    A callback on every row's future would cost more than all the rest of the settling. Rows of a
    partition are acknowledged in order, so it is enough to wait for the last future, then for the
    last before it that is not done by then, and so on: about one wait a partition.

    Args:
        futures: Of the rows that were given to the producer, by row.
        ended: Called with the exceptions by row, on the producer's thread or, if all is over
            already, at once.
    """

    def __init__(
        self, futures: Mapping[int, Any], ended: Callable[[dict[int, Exception]], None]
    ) -> None:
        self._futures = futures
        self._waiting: list[Any] = list(futures.values())
        self._ended = ended
        self._advance(None)

    def _advance(self, _outcome: object) -> None:
        waiting = self._waiting
        while waiting and waiting[-1].is_done:
            waiting.pop()
        if waiting:
            waiting[-1].add_both(self._advance)
            return
        self._ended(
            {
                row: future.exception
                for row, future in self._futures.items()
                if future.exception is not None
            }
        )


def sendable(headers: Sequence[tuple[str, bytes | None]]) -> list[tuple[str, bytes]]:
    """Headers as the client takes them: it cannot send a null, which becomes empty."""
    return [(name, b"" if value is None else value) for name, value in headers]
