"""Opens the Kafka log of a connection, behind the client that it names."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from workers.errors import ConfigurationError

if TYPE_CHECKING:
    from workers.log.connection import Connection
    from workers.log.contract import Log, TopicPartition


def open_log(connection: Connection, notes: Mapping[TopicPartition, str] | None = None) -> Log:
    """The cluster that a connection leads to; nothing is connected until it is used.

    Only the client that was chosen is imported.

    Args:
        connection: How to reach the cluster, its group, and which client to use.
        notes: What every position of these partitions is committed with (its metadata).

    Raises:
        ConfigurationError: the client is not installed, or an option of the connection is unknown
            to it or cannot be used.
    """
    if connection.client == "confluent":
        see_installed()
        from workers.log.confluent import ConfluentLog  # noqa: PLC0415

        return ConfluentLog(connection, notes)
    from workers.log.kafka import KafkaLog  # noqa: PLC0415

    return KafkaLog(connection, notes)


def see_option(client: str, name: str, text: str) -> None:
    """See that a client knows an option by this name, and takes the value.

    Raises:
        ConfigurationError: it does not, or is not installed.
    """
    if client == "confluent":
        see_installed()
        from workers.log import confluent_options  # noqa: PLC0415

        confluent_options.see_option(name, text)
        return
    from workers.log.connection import Connection  # noqa: PLC0415
    from workers.log.kafka_options import overrides_of  # noqa: PLC0415

    overrides_of(Connection(overrides={name: text}), {})


def see_installed() -> None:
    """See that the second client is there.

    Raises:
        ConfigurationError: it is not.
    """
    if find_spec("confluent_kafka") is None:
        raise ConfigurationError(
            "--client 'confluent': confluent-kafka is not installed; "
            "pip install 'fishweir[confluent]', or use --client kafka-python"
        )
