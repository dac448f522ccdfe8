"""What a broker says before it closes is heard, and no socket is left open."""

from __future__ import annotations

import socket
from contextlib import closing

from kafka.net.selector import NetworkSelector
from kafka.net.transport import KafkaTCPTransport

from workers.log.kafka_transport import mend_sockets


def test_bytes_that_come_with_the_end_come_before_it() -> None:
    mend_sockets()
    mend_sockets()
    ours, brokers = socket.socketpair()
    ours.setblocking(False)
    with ours, brokers, closing(NetworkSelector()) as net:
        transport = KafkaTCPTransport(net, ours)
        brokers.sendall(b"refused")
        brokers.close()
        assert transport._sock_recv() == (b"refused", None)
        data, error = transport._sock_recv()
    assert data == b""
    assert error is not None


def test_what_is_still_being_sent_when_a_client_ends_is_closed() -> None:
    mend_sockets()
    net = NetworkSelector()
    ours, brokers = socket.socketpair()
    ours.setblocking(False)
    transport = KafkaTCPTransport(net, ours)
    with brokers:
        transport.write(b"a request")
        transport.close()
        net.close()
        assert ours.fileno() == -1
