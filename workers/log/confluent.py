"""Kafka as a log, through confluent-kafka (librdkafka).

Members of a group may use either client, side by side: both share partitions out by Kafka's
cooperative-sticky rules.
"""

from __future__ import annotations

from collections.abc import Mapping

from workers.log.cluster_transactions import ClusterTransactions
from workers.log.confluent_options import see_usable
from workers.log.confluent_sink import ConfluentSink
from workers.log.confluent_source import ConfluentSource
from workers.log.confluent_transactions import ConfluentTransactors
from workers.log.connection import Connection
from workers.log.contract import TopicPartition


class ConfluentLog:
    """`workers.log.contract.Log` on a Kafka cluster; nothing is connected until it is used.

    What topics exist and what they take is asked through kafka-python's admin client, which also
    says by name why a cluster does not let us in.

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
        see_usable(connection)
        self._connection = connection
        self._notes = notes or {}

    def source(self) -> ConfluentSource:
        """A new member of the group that the connection names."""
        return ConfluentSource(self._connection, self._notes)

    def sink(self) -> ConfluentSink:
        """A new publisher."""
        return ConfluentSink(self._connection)

    def transactions(self, name: str | None = None) -> ClusterTransactions:
        """A new publisher of transactions."""
        makers = ConfluentTransactors(self._connection, name, self._notes)
        return ClusterTransactions(self._connection, makers)
