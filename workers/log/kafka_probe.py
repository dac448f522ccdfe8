"""Asks a port which protocol it speaks, where a client that speaks another is only hung up on."""

from __future__ import annotations

import socket
import ssl
import struct
from typing import Final

_SECONDS: Final = 2.0
# ApiVersions, version 0, correlation id 0, no client id: brokers answer it to anybody.
_HELLO: Final = struct.pack(">ihhih", 10, 18, 0, 0, -1)
_FRAME: Final = struct.Struct(">ii")
# Far more than an answer that lists the versions of all requests.
_LONGEST: Final = 65_536


def speaks_tls(server: str) -> bool:
    """Whether a TLS handshake with ``host:port`` gets an answer, be it a refusal."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Nothing is sent or believed; who answers does not matter.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection(_address(server), _SECONDS) as plain,
            context.wrap_socket(plain),
        ):
            return True
    except ssl.SSLError as error:
        return "ALERT" in str(error.reason or "")
    except (OSError, ValueError):
        return False


def speaks_plain(server: str) -> bool:
    """Whether ``host:port`` answers a request of Kafka's that is not in TLS."""
    try:
        with socket.create_connection(_address(server), _SECONDS) as plain:
            plain.sendall(_HELLO)
            answer = plain.recv(_FRAME.size, socket.MSG_WAITALL)
    except (OSError, ValueError):
        return False
    if len(answer) < _FRAME.size:
        return False
    length, correlation = map(int, _FRAME.unpack(answer))
    return correlation == 0 and 0 < length <= _LONGEST


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return host.strip("[]"), int(port)
