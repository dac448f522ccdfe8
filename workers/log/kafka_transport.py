"""Mends two faults of kafka-python 3.0.12's sockets.

Its transport reads a socket until it has nothing more to give, and where that is its end, it drops
what it read on the way there (`kafka/net/transport.py`, ``_read_from_sock``). A broker that refuses
a password says so and closes: when both arrive together, the client never learns why, and takes the
cluster for unreachable.

And it leaves the socket of a refused connection to the garbage collector (`kafka/net/inet.py`,
``sock_connect``): one an attempt, for as long as a broker is away.
"""

from __future__ import annotations

import socket
from typing import Any

from kafka.errors import KafkaError
from kafka.net.inet import KafkaNetSocket
from kafka.net.transport import KafkaTCPTransport

_read = KafkaTCPTransport._sock_recv  # noqa: SLF001  # there is no other way in
_connect = KafkaNetSocket.sock_connect


def _data_before_end(transport: KafkaTCPTransport) -> tuple[bytes, Exception | None]:
    """What was read, first; the end, or the error, is met again by the next read."""
    data, error = _read(transport)
    return data, None if data else error


async def _closed_if_refused(
    maker: KafkaNetSocket, net: object, sock: socket.socket, address: object, **options: Any
) -> socket.socket:
    """Connect; a socket that does not get through is closed."""
    try:
        connected: socket.socket = await _connect(maker, net, sock, address, **options)
    except KafkaError:
        sock.close()
        raise
    return connected


def mend_sockets() -> None:
    """Put both into effect, for all connections of this process; again changes nothing."""
    KafkaTCPTransport._sock_recv = _data_before_end  # noqa: SLF001
    KafkaNetSocket.sock_connect = _closed_if_refused
