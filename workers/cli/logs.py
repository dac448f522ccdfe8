"""Where the verbs get their log from; the one place that a test replaces."""

from __future__ import annotations

from contextlib import suppress

from workers.errors import LogError
from workers.log.connection import Connection
from workers.log.contract import Log


def open_log(connection: Connection) -> Log:
    """The Kafka cluster that ``connection`` leads to; nothing is connected yet."""
    from workers.log.kafka import KafkaLog  # noqa: PLC0415

    return KafkaLog(connection)


def forget_group(connection: Connection) -> None:
    """Remove the connection's group, which has committed nothing, now that it is left.

    Brokers do so themselves after a while (``offsets.retention.check.interval.ms``), which is
    soon enough where the cluster is away or does not let us.
    """
    from workers.log.kafka_client import admin  # noqa: PLC0415

    with suppress(LogError), admin(connection) as client:
        client.delete_groups([connection.group_id])
