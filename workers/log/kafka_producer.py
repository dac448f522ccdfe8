"""kafka-python's producer, with a row's way through it watched, and an end that always comes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError

# Failing what is left takes the producer's thread a moment.
_FAILING_SECONDS: Final = 1.0


class Producer(KafkaProducer):  # type: ignore[misc]  # kafka has no types
    """`KafkaProducer` that can tell partitions with a leader, and can be given up."""

    def led_partitions(self, topic: str) -> tuple[int, list[int]]:
        """How many partitions a topic has, and those that have a leader (all, if none has).

        Raises:
            KafkaError: nothing is known of the topic within ``max.block.ms``.
        """
        everything = self.partitions_for(topic)
        led = self._metadata.available_partitions_for_topic(topic)
        return len(everything), sorted(led or everything)

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
