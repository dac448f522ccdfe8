"""Where the verbs get their log from; the one place that a test replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.log.bookmarks import Bookmarks
    from workers.log.connection import Connection
    from workers.log.contract import Log, TopicPartition
    from workers.log.kafka_spans import KafkaSpans
    from workers.log.lookup import Lookup


def open_log(connection: Connection, notes: Mapping[TopicPartition, str] | None = None) -> Log:
    """The Kafka cluster that ``connection`` leads to; nothing is connected yet.

    Positions of partitions that have a note are committed with it.
    """
    from workers.log import opening  # noqa: PLC0415

    return opening.open_log(connection, notes)


def open_bookmarks(connection: Connection) -> Bookmarks:
    """Reads and lays positions with notes on that cluster; nothing is connected yet."""
    from workers.log.kafka_bookmarks import KafkaBookmarks  # noqa: PLC0415

    return KafkaBookmarks(connection)


def open_spans(connection: Connection) -> KafkaSpans:
    """A reader of spans of that cluster, to be closed by a ``with`` block."""
    from workers.log.kafka_spans import KafkaSpans  # noqa: PLC0415

    return KafkaSpans(connection)


def open_lookup(connection: Connection) -> Lookup:
    """Answers questions about that cluster; nothing is connected yet."""
    from workers.log.kafka_lookup import KafkaLookup  # noqa: PLC0415

    return KafkaLookup(connection)
