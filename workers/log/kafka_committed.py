"""Whether positions were committed, transactions under way considered; for either client."""

from __future__ import annotations

from typing import Final

from kafka import KafkaConsumer
from kafka import TopicPartition as KafkaPartition
from kafka.errors import KafkaError

from workers.log.connection import Connection
from workers.log.kafka_client import connect
from workers.log.kafka_errors import translate
from workers.log.kafka_options import consumer_options
from workers.log.transactions import Positions

_LOOKUP_MS: Final = 10_000


def are_committed(connection: Connection, positions: Positions) -> bool:
    """Whether all of these positions, or later ones, are committed.

    Raises:
        LogUnavailableError: the cluster does not say.
        WorkerError: as `workers.log.kafka_client.connect`.
    """
    for member, offsets in positions.items():
        options = {
            **consumer_options(connection),
            "group_id": member.group_id,
            "group_instance_id": None,
            # Waits for transactional positions that are not decided yet (KIP-447).
            "isolation_level": "read_committed",
        }
        consumer, _ = connect(KafkaConsumer, options)
        try:
            for place, offset in offsets.items():
                at = consumer.committed(KafkaPartition(*place), timeout_ms=_LOOKUP_MS)
                if at is None or at < offset:
                    return False
        except KafkaError as error:
            doing = f"looking up positions of group '{member.group_id}'"
            raise translate(error, doing) from error
        finally:
            consumer.close(autocommit=False, timeout_ms=0)
    return True
