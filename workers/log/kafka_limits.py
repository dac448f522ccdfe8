"""How large records the topics take, asked once a topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workers.log import topics
from workers.log.connection import Connection
from workers.log.kafka_sizes import largest_record


class TopicLimits:
    """Remembers what topics take.

    Args:
        connection: How to reach the cluster.
        options: Of the producer that is to send.
    """

    def __init__(self, connection: Connection, options: Mapping[str, Any]) -> None:
        self._connection = connection
        self._compressed = options["compression_type"] is not None
        self._max_request_size = options["max_request_size"]
        self._facts: dict[str, topics.TopicFacts] = {}

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

    def forget(self, topic: str) -> None:
        """The topic may be gone, or changed: ask again before the next publishing."""
        self._facts.pop(topic, None)
