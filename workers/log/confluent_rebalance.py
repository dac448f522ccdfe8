"""Which partitions are ours, and who is told when that changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as Place

from workers.log.contract import AssignmentListener, TopicPartition

Told = Callable[[list[TopicPartition]], None]


class Assignment:
    """The callbacks of a `Consumer.subscribe`; librdkafka calls them from inside its polls.

    So the listener runs on the thread that polls, which may commit meanwhile; heartbeats are sent
    by a thread of the library.

    Args:
        listener: Who is told.
        coming: Called with new partitions before the listener is.
        going: Called with partitions after the listener was told that they go.

    Attributes:
        held: Partitions that are ours, to be read and committed.
        changed: Whether it has changed since somebody last looked.
        telling: Whether the listener is being told of something.
        leaving: Whether the group is being left: what comes now is nobody's, and goes again
            without a word. It may come after the library has ended its membership.
    """

    def __init__(self, listener: AssignmentListener, coming: Told, going: Told) -> None:
        self._listener = listener
        self._coming = coming
        self._going = going
        self._failure: BaseException | None = None
        self.held: frozenset[TopicPartition] = frozenset()
        self.changed = False
        self.telling = False
        self.leaving = False

    def on_assign(self, consumer: Consumer, partitions: list[Place]) -> None:
        """Take partitions; reading starts at what the group has committed."""
        if self.leaving:
            return  # the library does itself what is needed
        consumer.incremental_assign(partitions)
        places = _sorted(partitions)
        self.held |= frozenset(places)

        def tell() -> None:
            self._coming(places)
            self._listener.on_assigned(places)

        self._tell(places, tell)

    def on_revoke(self, _: Consumer, partitions: list[Place]) -> None:
        """Let partitions go, after a last chance to commit."""
        places = self._ours(partitions)
        self._tell(places, lambda: self._listener.on_revoked(places))
        self._gone(places)

    def on_lost(self, _: Consumer, partitions: list[Place]) -> None:
        """Partitions have gone already."""
        places = self._ours(partitions)
        self._gone(places)
        self._tell(places, lambda: self._listener.on_lost(places))

    def raise_failure(self) -> None:
        """Raise what the listener raised."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _ours(self, partitions: Iterable[Place]) -> list[TopicPartition]:
        return [place for place in _sorted(partitions) if place in self.held]

    def _gone(self, places: list[TopicPartition]) -> None:
        self.held -= frozenset(places)
        self._going(places)

    def _tell(self, places: list[TopicPartition], tell: Callable[[], None]) -> None:
        self.changed = True
        if not places:
            return
        self.telling = True
        try:
            tell()
        except BaseException as error:  # noqa: BLE001  # raised again by whoever polls
            self._failure = error
        finally:
            self.telling = False


def _sorted(partitions: Iterable[Place]) -> list[TopicPartition]:
    return sorted(TopicPartition(one.topic, one.partition) for one in partitions)
