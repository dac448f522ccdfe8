"""How large records the topics take, asked once a topic."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from workers.errors import LogUnavailableError, TopicMissingError
from workers.log import topics
from workers.log.connection import Connection
from workers.log.kafka_sizes import largest_record

# A broker that has just started may not know its topics for a moment.
MISSING_S: Final = 5.0


class TopicLimits:
    """Remembers what topics take.

    Args:
        connection: How to reach the cluster.
        options: Of the producer that is to send.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        connection: Connection,
        options: Mapping[str, Any],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._compressed = options["compression_type"] is not None
        self._max_request_size = options["max_request_size"]
        self._clock = clock
        self._facts: dict[str, topics.TopicFacts] = {}
        # Since when topics are not there.
        self._missing: dict[str, float] = {}

    def max_record_bytes(self, topic: str) -> int:
        """See `workers.log.contract.Sink`."""
        known = self._facts.get(topic)
        if known is None:
            known = self._facts[topic] = topics.facts(self._connection, topic)
        return largest_record(
            known.max_message_bytes,
            compressed=self._compressed,
            max_request_size=self._max_request_size,
        )

    def confirm(self, topic: str) -> None:
        """See `workers.log.contract.Sink`."""
        self.forget(topic)
        try:
            self.max_record_bytes(topic)
        except TopicMissingError as error:
            since = self._missing.setdefault(topic, self._clock())
            if self._clock() - since >= MISSING_S:
                raise
            raise LogUnavailableError(str(error)) from error
        self._missing.pop(topic, None)

    def forget(self, topic: str) -> None:
        """The topic may be gone, or changed: ask again before the next publishing."""
        self._facts.pop(topic, None)
