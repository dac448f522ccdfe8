"""Reads spans of topics from end to end, outside of every group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from workers.log.contract import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Part of a span that could not be read.

    Attributes:
        topic: Its topic.
        partition: Its partition.
        begin: The first offset.
        end: The offset after the last.
        removed: Whether retention has removed them; else they are in an open transaction.
    """

    topic: str
    partition: int
    begin: int
    end: int
    removed: bool


class SpanReader(Protocol):
    """Reads spans of a log; for one thread."""

    def read(self, topic: str, spans: Mapping[int, tuple[int, int]]) -> Iterator[Records]:
        """All records of the spans, those of a partition in order of offset.

        What cannot be read is added to ``unread``.

        Args:
            topic: Which topic.
            spans: By partition, the first offset and the one after the last. The last must have
                been written.

        Raises:
            LogUnavailableError: nothing comes any more.
            AuthorisationError: the credentials do not allow it.
        """
        ...

    def compacted(self, topic: str) -> bool:
        """Whether records of the topic give way to later ones of their key."""
        ...

    @property
    def unread(self) -> Sequence[Unread]:
        """Parts of spans that `read` was asked for and could not give, so far."""
        ...
