"""Kafka as a log, through kafka-python."""

from __future__ import annotations

from workers.log.connection import Connection
from workers.log.kafka_options import admin_options, consumer_options, producer_options
from workers.log.kafka_sink import KafkaSink
from workers.log.kafka_source import KafkaSource
from workers.log.kafka_transactions import KafkaTransactions


class KafkaLog:
    """`workers.log.contract.Log` on a Kafka cluster; nothing is connected until it is used.

    Args:
        connection: How to reach the cluster, and its group.

    Raises:
        ConfigurationError: an option of the connection is unknown or cannot be used.
    """

    def __init__(self, connection: Connection) -> None:
        for options in (admin_options, consumer_options, producer_options):
            options(connection)
        self._connection = connection

    def source(self) -> KafkaSource:
        """A new member of the group that the connection names."""
        return KafkaSource(self._connection)

    def sink(self) -> KafkaSink:
        """A new publisher."""
        return KafkaSink(self._connection)

    def transactions(self, name: str | None = None) -> KafkaTransactions:
        """A new publisher of transactions."""
        return KafkaTransactions(self._connection, name)
