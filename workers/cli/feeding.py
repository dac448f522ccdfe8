"""Puts lines or pages on a topic at a rate, and counts what became of each."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

import orjson

from workers.cli.pages import PageError, page_event, read_page
from workers.log.contract import Outgoing

if TYPE_CHECKING:
    from workers.log.contract import Sink
    from workers.log.delivery import Delivery

# Deliveries waited for at once: at some hundreds of lines each, more than a producer's buffer
# needs to stay full.
_MOST_UNDER_WAY: Final = 32

# A rate is kept in steps of this length, or of one line where that is longer.
_STEP_S: Final = 0.05

# The look at the clock between two waits, so that an interrupt is noticed.
_WAIT_S: Final = 0.2


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the lines, or pages.

    Attributes:
        blank: Lines left out because they were empty.
        refused: What could not be sent, by reason.
        sent: Lines given to the log.
        acknowledged: Lines that are on the topic.
        failures: Lines that the log refused, by reason.
    """

    blank: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    acknowledged: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def given(self) -> int:
        """All that had anything in it."""
        return self.sent + self.refused.total()

    @property
    def complete(self) -> bool:
        """Whether every line that had anything in it is on the topic."""
        return self.acknowledged == self.given


class UnsendableError(Exception):
    """Something cannot be made a record; the message says why."""


Item = TypeVar("Item")
_Taken_contra = TypeVar("_Taken_contra", contravariant=True)


class Shaping(Protocol[_Taken_contra]):
    """Makes records of lines, or of pages."""

    def record(self, item: _Taken_contra, /) -> tuple[bytes | None, bytes] | None:
        """Key and value; None for what is left out.

        Raises:
            UnsendableError: it cannot be a record.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a line becomes a record.

    Attributes:
        wrap_in: Field of a JSON object that a plain line is put in; None sends lines as they are.
        key_field: Field whose value is the record's key; None for no key.
    """

    wrap_in: str | None = None
    key_field: str | None = None

    def record(self, line: bytes, /) -> tuple[bytes | None, bytes] | None:
        """See `Shaping`; blank lines are left out."""
        if not line.strip():
            return None
        if self.wrap_in is None:
            return self._key(line), line
        try:
            text = line.decode()
        except UnicodeDecodeError:
            raise UnsendableError("not UTF-8") from None
        key = line if self.key_field == self.wrap_in else None
        return key, orjson.dumps({self.wrap_in: text})

    def _key(self, line: bytes) -> bytes | None:
        if self.key_field is None:
            return None
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            return None  # bad lines are fed as they are, on purpose
        return _key(event, self.key_field)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageShape:
    """How a file of a page becomes a record.

    Attributes:
        largest: Bytes that the topic takes in a record.
        key_field: Field of the event whose value is the record's key; None for no key.
    """

    largest: int
    key_field: str | None = None

    def record(self, name: str, /) -> tuple[bytes | None, bytes] | None:
        """See `Shaping`; takes the file's name."""
        try:
            page = read_page(name, self.largest)
        except PageError as error:
            raise UnsendableError(str(error)) from error
        if len(page.content) > self.largest:
            raise UnsendableError(f"{page.name}: more than the {self.largest} bytes of a record")
        event = page_event(page)
        return _key(event, self.key_field), orjson.dumps(event)


def _key(event: Any, field: str | None) -> bytes | None:
    value = event.get(field) if isinstance(event, dict) else None
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


class Feeder(Generic[Item]):
    """Sends batches of lines or pages, keeping so many under way and no faster than a rate."""

    def __init__(
        self,
        sink: Sink,
        topic: str,
        *,
        shape: Shaping[Item],
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

    def feed(self, batches: Iterable[list[Item]]) -> Iterator[Tally]:
        """Send all; yield the tally, which goes on changing, after each step."""
        for batch in batches:
            for items in self._steps(batch):
                self._send(items)
                while len(self._under_way) > _MOST_UNDER_WAY or self._oldest_done():
                    self._settle_oldest()
                yield self.tally

    def finish(self) -> None:
        """Wait until every line that was sent is acknowledged or failed."""
        while self._under_way:
            self._settle_oldest()

    def _steps(self, batch: list[Item]) -> Iterator[list[Item]]:
        if self._rate is None:
            yield batch
            return
        step = max(1, int(self._rate * _STEP_S))
        for start in range(0, len(batch), step):
            due = self._started + self.tally.sent / self._rate
            while (early := due - self._clock()) > 0:
                self._pause(min(early, _WAIT_S))
            yield batch[start : start + step]

    def _send(self, items: list[Item]) -> None:
        keys: list[bytes | None] = []
        values: list[bytes | None] = []
        for item in items:
            try:
                record = self._shape.record(item)
            except UnsendableError as error:
                self.tally.refused[str(error)] += 1
                continue
            if record is None:
                self.tally.blank += 1
                continue
            keys.append(record[0])
            values.append(record[1])
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
