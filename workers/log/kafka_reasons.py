"""Why a Kafka client could not connect: kafka-python 3.0.12 logs it, and raises a timeout."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)

_REFUSALS: Final = (
    IllegalSaslStateError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)
# Closed connections in a row, and nothing else, that are taken for a refusal: one may be a broker
# that is being restarted.
_CLOSED_IN_A_ROW: Final = 3


class Reasons(logging.Handler):
    """Collects exceptions that the client's network code logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._seen: list[Exception] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exceptions among the record's arguments."""
        arguments = record.args if isinstance(record.args, tuple) else ()
        self._seen.extend(value for value in arguments if isinstance(value, Exception))

    def refused(self) -> Exception | None:
        """What shows that the cluster does not accept our credentials.

        A broker that does not may close the connection before its answer is read; so, of a
        client that authenticates, connections that are closed again and again count as well.
        """
        for error in self._seen:
            if type(error) in _REFUSALS:
                return error
        if len(self._seen) >= _CLOSED_IN_A_ROW and all(map(_closed, self._seen)):
            return self._seen[-1]
        return None

    def last(self) -> str:
        """The last reason, in parentheses after a space; empty if there was none."""
        return f" ({self._seen[-1]})" if self._seen else ""


@contextmanager
def collected() -> Iterator[Reasons]:
    """Collect while a client connects."""
    network = logging.getLogger("kafka.net")
    reasons = Reasons()
    network.addHandler(reasons)
    try:
        yield reasons
    finally:
        network.removeHandler(reasons)


def _closed(error: Exception) -> bool:
    return isinstance(error, KafkaConnectionError) and "socket disconnected" in str(error)
