"""Who is in a consumer group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workers.log.connection import Connection
from workers.log.kafka_client import admin


def members(connection: Connection) -> Sequence[Mapping[str, Any]]:
    """The members of a connection's group, as brokers describe them; none while it rebalances.

    Raises:
        LogUnavailableError: no broker can be reached, or none that knows the group.
    """
    group = connection.group_id
    with admin(connection) as client:
        described = client.describe_groups([group])[group]
    found: Sequence[Mapping[str, Any]] = described["members"]
    return found if described["group_state"] == "Stable" else ()
