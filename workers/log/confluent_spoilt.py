"""Finds out how far a batch of records goes that librdkafka cannot decode: it does not say."""

from __future__ import annotations

import re
from typing import Final

from confluent_kafka import KafkaError

from workers.errors import UndecodableError, WorkerError
from workers.log.connection import Connection
from workers.log.contract import TopicPartition

# How librdkafka words where such a batch is, if it does.
_SPAN: Final = re.compile(r"at offsets (\d+)-(\d+)")


def undecodable(
    connection: Connection, place: TopicPartition, offset: int, error: KafkaError
) -> UndecodableError:
    """The worker's error for a batch, with its first and last offset as far as they can be told.

    kafka-python is asked to read it too: it fails as well, and knows the batch's header.

    Args:
        connection: How to reach the cluster.
        place: Where the batch is.
        offset: Its first, or the one that was asked for.
        error: What librdkafka said.
    """
    told = " ".join(str(error.str()).split())
    if (span := _SPAN.search(told)) is not None:
        return UndecodableError(*place, int(span[1]), int(span[2]), told)
    from workers.log.kafka_spans import KafkaSpans  # noqa: PLC0415 - seldom wanted

    first = last = offset
    try:
        with KafkaSpans(connection) as spans:
            for _ in spans.read(place.topic, {place.partition: (offset, offset + 1)}):
                break
    except UndecodableError as found:
        first, last = found.first, found.last
    except WorkerError:
        pass  # then only where it begins is known
    return UndecodableError(*place, first, last, told)
