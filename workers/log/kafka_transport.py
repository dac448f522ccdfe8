"""Mends faults of kafka-python 3.0.12's sockets.

Its transport reads a socket until it has nothing more to give, and where that is its end, it drops
what it read on the way there (`kafka/net/transport.py`, ``_read_from_sock``). A broker that refuses
a password says so and closes: when both arrive together, the client never learns why, and takes the
cluster for unreachable.

And it leaves the socket of a connection that was refused, or given up half-way, to the garbage
collector (`kafka/net/inet.py`, ``sock_connect``), and that of a TLS handshake that failed
(`kafka/net/manager.py`, ``_build_transport``): one an attempt, for as long as a broker is away.
"""

from __future__ import annotations

import socket
from typing import Any

from kafka.net.inet import KafkaNetSocket
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

# There is no other way in.
_readers = {kind: kind._sock_recv for kind in (KafkaTCPTransport, KafkaSSLTransport)}  # noqa: SLF001
_connect = KafkaNetSocket.sock_connect
_shake_hands = KafkaSSLTransport.handshake


def _data_before_end(transport: KafkaTCPTransport) -> tuple[bytes, Exception | None]:
    """What was read, first; the end, or the error, is met again by the next read."""
    data, error = _readers[type(transport)](transport)
    return data, None if data else error


async def _closed_if_refused(
    maker: KafkaNetSocket, net: object, sock: socket.socket, address: object, **options: Any
) -> socket.socket:
    """Connect; a socket that does not get through is closed."""
    try:
        connected: socket.socket = await _connect(maker, net, sock, address, **options)
    except BaseException:  # a client that is closed meanwhile ends it by GeneratorExit
        sock.close()
        raise
    return connected


async def _closed_if_no_handshake(transport: KafkaSSLTransport) -> None:
    """Shake hands; a socket on which that fails is closed."""
    try:
        await _shake_hands(transport)
    except BaseException:
        transport._sock.close()  # noqa: SLF001
        raise


def mend_sockets() -> None:
    """Put all of it into effect, for all connections of this process; again changes nothing."""
    for kind in _readers:
        kind._sock_recv = _data_before_end  # noqa: SLF001
    KafkaNetSocket.sock_connect = _closed_if_refused
    KafkaSSLTransport.handshake = _closed_if_no_handshake
