"""The verbs, run in this process on the log in memory."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from workers.cli import logs
from workers.journal import TALKATIVE
from workers.log.connection import Connection
from workers.log.memory import MemoryLog
from workers.log.memory_broker import MemoryBroker


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Verbs set up the logs of their process, which is ours here."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    quieted = [logging.getLogger(name) for name in TALKATIVE]
    levels = [logger.level for logger in quieted]
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for logger, before in zip(quieted, levels, strict=True):
        logger.setLevel(before)
    structlog.reset_defaults()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> MemoryBroker:
    """A cluster without topics, which verbs reach wherever they are told to look."""
    broker = MemoryBroker()

    def open_log(connection: Connection) -> MemoryLog:
        return MemoryLog(
            broker, connection.group_id, auto_offset_reset=connection.auto_offset_reset
        )

    monkeypatch.setattr(logs, "open_log", open_log)
    return broker
