"""Topics take what decoders take, and the requests that carry it fit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.telemetry import max_record_bytes
from workers.log.connection import Connection
from workers.log.kafka_options import producer_options
from workers.log.kafka_sizes import largest_record
from workers.message_sizes import MAX_MESSAGE_BYTES, decoding_limits, topic_configs
from workers.settings.resolve import Given, load

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose.yaml"
# Kafka's default for socket.request.max.bytes.
LARGEST_REQUEST = 100 * 1024 * 1024


def configs(**options: str) -> dict[str, dict[str, str]]:
    """Settings of the topics of pages."""
    return topic_configs(load(Given(options=options), detector="html", environ={}).settings)


@pytest.mark.parametrize("page_bytes", [1, 100_000, 32 * 1024 * 1024])
def test_what_is_decoded_can_be_sent_and_be_a_dead_letter(page_bytes: int) -> None:
    settings = load(
        Given(options={"max_page_bytes": str(page_bytes)}), detector="html", environ={}
    ).settings
    largest = max_record_bytes("html", decoding_limits(settings))
    assert largest > page_bytes * 4 / 3, "in base64"
    request = producer_options(Connection())["max_request_size"]
    taken = [
        largest_record(int(config[MAX_MESSAGE_BYTES]), compressed=True, max_request_size=request)
        for config in topic_configs(settings).values()
        if config
    ]
    assert [size > largest for size in taken] == [True, True]
    # A dead letter has headers of its own beside those that it came with.
    assert taken[1] - taken[0] > 2_048
    assert request < LARGEST_REQUEST


def test_topics_of_texts_are_as_brokers_make_them() -> None:
    for detector in ("url", "path"):
        made = topic_configs(load(Given(), detector=detector, environ={}).settings)
        assert list(made.values()) == [{}, {}, {}]


def test_compose_makes_topics_of_pages_as_weir_does() -> None:
    made = re.findall(rf"create (\S+) --config {MAX_MESSAGE_BYTES}=(\d+)", COMPOSE.read_text())

    assert dict(made) == {
        name: config[MAX_MESSAGE_BYTES] for name, config in configs().items() if config
    }
