"""Why a Kafka client does not get in. kafka-python 3.0.12 logs it, and goes on trying for ever.

Each connection of a client is watched from its birth to its end. One that ends with a refusal that
no later try can change ends the client: whatever it is asked to send next raises `RefusedError`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from weakref import WeakSet

from kafka.errors import KafkaConnectionError, KafkaProtocolError, SaslAuthenticationFailedError
from kafka.net.connection import KafkaConnection
from kafka.net.manager import KafkaConnectionManager

from workers.errors import WorkerError
from workers.log.kafka_refusals import meaning_of, tls_error

# Connections closed in a row, and nothing else, before anybody looks closer: one or two may be a
# broker that is being restarted. With the client's waits between them that is half a second.
CLOSED_IN_A_ROW: Final = 3


class RefusedError(SaslAuthenticationFailedError):  # type: ignore[misc]  # kafka has no types
    """The cluster does not let this client in.

    The client's own name for that, which it takes care not to retry.

    Attributes:
        meaning: In the words of the workers; None where connections are closed without a word.
        spoken: Whether a broker that closed had understood us, up to then.
    """

    def __init__(self, meaning: WorkerError | None = None, *, spoken: bool = False) -> None:
        super().__init__(str(meaning or "connections are closed again and again"))
        self.meaning = meaning
        self.spoken = spoken


class Reasons:
    """What became of the connections of one client.

    Args:
        servers: Where it connects to, for messages.

    Attributes:
        refused: Why the client is at its end; None while it is not.
    """

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._seen: WeakSet[KafkaConnection] = WeakSet()
        self._last: Exception | None = None
        self._closed = 0
        self.refused: RefusedError | None = None

    def watch(self, manager: KafkaConnectionManager) -> None:
        """Watch every connection that this manager makes from now on."""
        get: Callable[..., KafkaConnection] = manager.get_connection

        def get_connection(node_id: Any, *arguments: Any, **options: Any) -> KafkaConnection:
            if self.refused is not None:
                raise self.refused
            connection = get(node_id, *arguments, **options)
            if connection not in self._seen:
                self._seen.add(connection)
                connection.close_future.add_errback(
                    lambda error: self._ended(connection, error, starting=not manager.bootstrapped)
                )
            return connection

        manager.get_connection = get_connection

    def last(self) -> str:
        """The last reason, in parentheses after a space; empty if there was none."""
        return "" if self._last is None else f" ({self._last})"

    def _ended(self, connection: KafkaConnection, error: Exception, *, starting: bool) -> None:
        """On the client's thread: a connection is gone, or never came to be."""
        self._last = error
        was_up = connection.init_future.succeeded()
        meaning = None if was_up else meaning_of(error, self._servers)
        if meaning is not None:
            self.refused = RefusedError(meaning)
        elif starting:
            self._closed = self._closed + 1 if _is_closing(error) else 0
            if self._closed >= CLOSED_IN_A_ROW:
                spoken = connection.broker_version_data is not None
                self.refused = RefusedError(spoken=spoken)


def _is_closing(error: Exception) -> bool:
    """Whether the other side ended a connection that it had accepted."""
    cause: object = error.args[0] if error.args else None
    return (
        tls_error(error) is not None
        or isinstance(error, KafkaProtocolError)
        or isinstance(cause, ConnectionError)
        or isinstance(error.__context__, ConnectionError)
        or (isinstance(error, KafkaConnectionError) and cause == "socket disconnected")
    )
