"""Mends faults of kafka-python 3.0.12's sockets.

Its transport reads a socket until it has nothing more to give, and where that is its end, it drops
what it read on the way there (`kafka/net/transport.py`, ``_read_from_sock``). A broker that refuses
a password says so and closes: when both arrive together, the client never learns why, and takes the
cluster for unreachable.

And it leaves the socket of a connection that was refused, or given up half-way, to the garbage
collector (`kafka/net/inet.py`, ``sock_connect``), and that of a TLS handshake that failed
(`kafka/net/manager.py`, ``_build_transport``): one an attempt, for as long as a broker is away.

A connection that is closed with bytes still to send stays open until they are sent, which is never
if the client's loop ends meanwhile (`kafka/net/selector.py`, ``close``): that socket is left, too.
"""

from __future__ import annotations

import socket
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from kafka.net.inet import KafkaNetSocket
from kafka.net.selector import NetworkSelector
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

# There is no other way in.
_readers = {kind: kind._sock_recv for kind in (KafkaTCPTransport, KafkaSSLTransport)}  # noqa: SLF001
_connect = KafkaNetSocket.sock_connect
_shake_hands = KafkaSSLTransport.handshake
_make = KafkaTCPTransport.__init__
_end_loop = NetworkSelector.close
# Of each loop, those that may be open.
_transports: WeakKeyDictionary[NetworkSelector, WeakSet[KafkaTCPTransport]] = WeakKeyDictionary()


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


def _remembered(
    transport: KafkaTCPTransport, net: NetworkSelector, sock: socket.socket, **options: Any
) -> None:
    """Make a transport of a loop."""
    _make(transport, net, sock, **options)
    _transports.setdefault(net, WeakSet()).add(transport)


def _closed_with_all_sockets(net: NetworkSelector) -> None:
    """End a loop, and close what would have been closed by it."""
    _end_loop(net)
    for transport in _transports.pop(net, ()):
        if transport._sock is not None:  # noqa: SLF001
            transport._sock.close()  # noqa: SLF001


def mend_sockets() -> None:
    """Put all of it into effect, for all connections of this process; again changes nothing."""
    for kind in _readers:
        kind._sock_recv = _data_before_end  # noqa: SLF001
    KafkaNetSocket.sock_connect = _closed_if_refused
    KafkaSSLTransport.handshake = _closed_if_no_handshake
    KafkaTCPTransport.__init__ = _remembered
    NetworkSelector.close = _closed_with_all_sockets
