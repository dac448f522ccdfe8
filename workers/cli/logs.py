"""Where the verbs get their log from; the one place that a test replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.log.connection import Connection
    from workers.log.contract import Log


def open_log(connection: Connection) -> Log:
    """The Kafka cluster that ``connection`` leads to; nothing is connected yet."""
    from workers.log.kafka import KafkaLog  # noqa: PLC0415

    return KafkaLog(connection)
