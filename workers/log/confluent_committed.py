"""Whether positions were committed, transactions under way considered; behind librdkafka."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as Place

from workers.log.confluent_options import consumer_options
from workers.log.connection import Connection
from workers.log.contract import Membership, TopicPartition

_LOOKUP_SECONDS: Final = 10.0

Positions = Mapping[Membership, Mapping[TopicPartition, int]]
"""Positions by who commits them."""


def are_committed(connection: Connection, positions: Positions) -> bool:
    """Whether all of these positions, or later ones, are committed.

    Raises:
        KafkaException: the cluster does not say.
    """
    for member, offsets in positions.items():
        options = {
            **consumer_options(connection),
            "group.id": member.group_id,
            # Waits for transactional positions that are not decided yet (KIP-447).
            "isolation.level": "read_committed",
        }
        options.pop("group.instance.id", None)
        consumer = Consumer(options)
        try:
            asked = [Place(*place) for place in offsets]
            for answer in consumer.committed(asked, _LOOKUP_SECONDS):
                place = TopicPartition(answer.topic, answer.partition)
                if answer.error is not None or answer.offset < offsets[place]:
                    return False
        finally:
            consumer.close()
    return True
