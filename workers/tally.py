"""Counts of what a replica has done, for summaries, logs and metrics."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass

from schemas.causes import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """One moment's counts since start.

    Attributes:
        events: Records polled.
        verdicts: Verdicts acknowledged by the log.
        unpublished: Verdicts given and, being milder than the publish minimum, only counted.
        dead: Dead letters acknowledged by the log.
        labels: Verdicts given, by label.
        causes: Dead letters, by cause.
    """

    events: int
    verdicts: int
    unpublished: int
    dead: int
    labels: dict[str, int]
    causes: dict[str, int]


class Tally:
    """Adds up; thread-safe, called once a batch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events = self._verdicts = self._unpublished = self._dead = 0
        self._labels: Counter[str] = Counter()
        self._causes: Counter[str] = Counter()

    def polled(self, events: int) -> None:
        """Records came in."""
        with self._lock:
            self._events += events

    def judged(self, labels: Counter[str], unpublished: int) -> None:
        """Verdicts were given."""
        with self._lock:
            self._labels.update(labels)
            self._unpublished += unpublished

    def refused(self, causes: Counter[Cause]) -> None:
        """Records were refused."""
        with self._lock:
            self._causes.update({cause.value: count for cause, count in causes.items()})

    def acknowledged(self, *, verdicts: int = 0, dead: int = 0) -> None:
        """Published rows were acknowledged."""
        with self._lock:
            self._verdicts += verdicts
            self._dead += dead

    def counts(self) -> Counts:
        """The counts now."""
        with self._lock:
            return Counts(
                events=self._events,
                verdicts=self._verdicts,
                unpublished=self._unpublished,
                dead=self._dead,
                labels=dict(self._labels),
                causes=dict(self._causes),
            )
