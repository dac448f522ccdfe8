"""Kafka as a log, through kafka-python."""

from __future__ import annotations

from collections.abc import Mapping

from workers.log.cluster_transactions import ClusterTransactions
from workers.log.connection import Connection
from workers.log.contract import TopicPartition
from workers.log.kafka_options import admin_options, consumer_options, producer_options
from workers.log.kafka_sink import KafkaSink
from workers.log.kafka_source import KafkaSource
from workers.log.kafka_transactions import KafkaTransactors


class KafkaLog:
    """`workers.log.contract.Log` on a Kafka cluster; nothing is connected until it is used.

    Args:
        connection: How to reach the cluster, and its group.
        notes: What every position of these partitions is committed with (its metadata); a
            position that is committed without would lose it.

    Raises:
        ConfigurationError: an option of the connection is unknown or cannot be used.
    """

    def __init__(
        self, connection: Connection, notes: Mapping[TopicPartition, str] | None = None
    ) -> None:
        for options in (admin_options, consumer_options, producer_options):
            options(connection)
        self._connection = connection
        self._notes = notes or {}

    def source(self) -> KafkaSource:
        """A new member of the group that the connection names."""
        return KafkaSource(self._connection, self._notes)

    def sink(self) -> KafkaSink:
        """A new publisher."""
        return KafkaSink(self._connection)

    def transactions(self, name: str | None = None) -> ClusterTransactions:
        """A new publisher of transactions."""
        makers = KafkaTransactors(self._connection, name, self._notes)
        return ClusterTransactions(self._connection, makers)
