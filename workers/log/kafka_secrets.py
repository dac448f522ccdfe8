"""Keeps secrets out of what kafka-python 3.0.12 logs.

At the level ``debug`` it logs every request twice, as fields and as bytes, and those that log in
too: the password of PLAIN in the clear, of SCRAM enough to guess it offline. And its admin client
logs all options that it was given, passwords among them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from kafka.protocol.sasl import (
    SaslAuthenticateRequest,
    SaslAuthenticateResponse,
    SaslBytesRequest,
    SaslBytesResponse,
)

_LOGGERS: Final = ("kafka.admin.client", "kafka.net.connection", "kafka.protocol.parser")
_SECRET_OPTIONS: Final = ("sasl_plain_password", "ssl_password")
_SECRET: Final = (
    SaslAuthenticateRequest,
    SaslAuthenticateResponse,
    SaslBytesRequest,
    SaslBytesResponse,
)


class _Discreet(logging.Filter):
    """Names such requests and answers, counts bytes, and leaves out passwords."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_discreet, record.args))
        elif isinstance(record.args, Mapping):  # what a message with one mapping has
            record.args = {
                name: value for name, value in record.args.items() if name not in _SECRET_OPTIONS
            }
        return True


def keep_secrets() -> None:
    """Put it into effect, for all clients of this process; again changes nothing."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(one, _Discreet) for one in logger.filters):
            logger.addFilter(_Discreet())


def _discreet(value: object) -> object:
    if isinstance(value, _SECRET):
        return type(value).__name__
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes"
    return value
