"""Puts lines on a topic at a rate, and counts what became of each."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson

from workers.log.contract import Outgoing

if TYPE_CHECKING:
    from workers.log.contract import Delivery, Sink

# Deliveries waited for at once: at some hundreds of lines each, more than a producer's buffer
# needs to stay full.
_MOST_UNDER_WAY: Final = 32

# A rate is kept in steps of this length, or of one line where that is longer.
_STEP_S: Final = 0.05

# The look at the clock between two waits, so that an interrupt is noticed.
_WAIT_S: Final = 0.2


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the lines.

    Attributes:
        blank: Lines left out because they were empty.
        refused: Lines that could not be wrapped: plain text that is not UTF-8.
        sent: Lines given to the log.
        acknowledged: Lines that are on the topic.
        failures: Lines that the log refused, by reason.
    """

    blank: int = 0
    refused: int = 0
    sent: int = 0
    acknowledged: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def complete(self) -> bool:
        """Whether every line that had anything in it is on the topic."""
        return self.refused == 0 and self.acknowledged == self.sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a line becomes a record.

    Attributes:
        wrap_in: Field of a JSON object that a plain line is put in; None sends lines as they are.
        key_field: Field whose value is the record's key; None for no key.
    """

    wrap_in: str | None = None
    key_field: str | None = None

    def record(self, line: bytes) -> tuple[bytes | None, bytes]:
        """Key and value.

        Raises:
            UnicodeDecodeError: a plain line is not UTF-8, so that no JSON can hold it.
        """
        if self.wrap_in is None:
            return self._key(line), line
        text = line.decode()
        key = line if self.key_field == self.wrap_in else None
        return key, orjson.dumps({self.wrap_in: text})

    def _key(self, line: bytes) -> bytes | None:
        if self.key_field is None:
            return None
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            return None  # bad lines are fed as they are, on purpose
        value = event.get(self.key_field) if isinstance(event, dict) else None
        if value is None:
            return None
        return value.encode() if isinstance(value, str) else orjson.dumps(value)


class Feeder:
    """Sends batches of lines, keeping so many under way and no faster than a rate."""

    def __init__(
        self,
        sink: Sink,
        topic: str,
        *,
        shape: Shape,
        rate: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.tally = Tally()
        self._sink = sink
        self._topic = topic
        self._shape = shape
        self._rate = rate
        self._clock = clock
        self._pause = pause
        self._started = clock()
        self._under_way: deque[tuple[int, Delivery]] = deque()

    def feed(self, batches: Iterable[list[bytes]]) -> Iterator[Tally]:
        """Send all; yield the tally, which goes on changing, after each step."""
        for batch in batches:
            for lines in self._steps(batch):
                self._send(lines)
                while len(self._under_way) > _MOST_UNDER_WAY or self._oldest_done():
                    self._settle_oldest()
                yield self.tally

    def finish(self) -> None:
        """Wait until every line that was sent is acknowledged or failed."""
        while self._under_way:
            self._settle_oldest()

    def _steps(self, batch: list[bytes]) -> Iterator[list[bytes]]:
        if self._rate is None:
            yield batch
            return
        step = max(1, int(self._rate * _STEP_S))
        for start in range(0, len(batch), step):
            due = self._started + self.tally.sent / self._rate
            while (early := due - self._clock()) > 0:
                self._pause(min(early, _WAIT_S))
            yield batch[start : start + step]

    def _send(self, lines: list[bytes]) -> None:
        keys: list[bytes | None] = []
        values: list[bytes | None] = []
        for line in lines:
            if not line.strip():
                self.tally.blank += 1
                continue
            try:
                key, value = self._shape.record(line)
            except UnicodeDecodeError:
                self.tally.refused += 1
                continue
            keys.append(key)
            values.append(value)
        if not values:
            return
        delivery = self._sink.publish(Outgoing(topic=self._topic, keys=keys, values=values))
        self.tally.sent += len(values)
        self._under_way.append((len(values), delivery))

    def _oldest_done(self) -> bool:
        return bool(self._under_way) and self._under_way[0][1].done()

    def _settle_oldest(self) -> None:
        rows, delivery = self._under_way[0]
        while not delivery.wait(_WAIT_S):
            pass
        self._under_way.popleft()
        failures = delivery.failures()
        self.tally.acknowledged += rows - len(failures)
        self.tally.failures.update(
            str(error) or type(error).__name__ for error in failures.values()
        )
