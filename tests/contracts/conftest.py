"""The logs, for every suite of theirs: in memory, and Kafka behind either client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contracts.worlds import World


@pytest.fixture(
    params=[
        "memory",
        pytest.param("kafka-python", marks=pytest.mark.kafka),
        pytest.param("confluent", marks=pytest.mark.kafka),
    ]
)
def world(request: pytest.FixtureRequest) -> World:
    # Not above: it imports the client, whose warnings are let through only by then.
    from tests.contracts.worlds import KafkaWorld, MemoryWorld  # noqa: PLC0415

    if request.param == "memory":
        return MemoryWorld()
    return KafkaWorld(request.getfixturevalue("kafka_node").bootstrap_servers, request.param)
