"""Finds out whether a topic that is read is gone."""

from __future__ import annotations

import time
from typing import Final

from workers.errors import LogUnavailableError, TopicMissingError
from workers.log import topics
from workers.log.connection import Connection

# A cluster may know a topic for a moment longer after it was deleted, and a client may tell of it
# once, or only lose the partitions. So it is asked for some time.
_SECONDS: Final = 10.0
_BETWEEN_SECONDS: Final = 2.0


class TopicDoubt:
    """A doubt whether one topic is still there.

    Args:
        connection: How to reach the cluster.
        topic: Its name.
    """

    def __init__(self, connection: Connection, topic: str) -> None:
        self._connection = connection
        self._topic = topic
        # Until when the cluster is asked, and when it was asked last.
        self._until = self._asked_at = 0.0

    def arise(self) -> None:
        """There is a sign that the topic is gone."""
        self._until = time.monotonic() + _SECONDS

    def settle(self) -> None:
        """Ask the cluster, where that is in doubt and not asked just now.

        Raises:
            TopicMissingError: the topic is gone.
        """
        now = time.monotonic()
        if now >= self._until or now < self._asked_at + _BETWEEN_SECONDS:
            return
        self._asked_at = now
        try:
            topics.facts(self._connection, self._topic)
        except TopicMissingError as error:
            raise TopicMissingError(
                f"topic '{self._topic}' does not exist any more; create it (weir topics create) "
                "and start the worker again. What it held and was not judged is gone with it"
            ) from error
        except LogUnavailableError:
            return
