"""What a broker says before it closes is heard."""

from __future__ import annotations

import socket

from kafka.net.transport import KafkaTCPTransport

from workers.log.kafka_transport import mend_sockets


def test_bytes_that_come_with_the_end_come_before_it() -> None:
    mend_sockets()
    mend_sockets()
    ours, brokers = socket.socketpair()
    ours.setblocking(False)
    transport = KafkaTCPTransport(None, ours)
    with ours, brokers:
        brokers.sendall(b"refused")
        brokers.close()
        assert transport._sock_recv() == (b"refused", None)
        data, error = transport._sock_recv()
    assert data == b""
    assert error is not None
