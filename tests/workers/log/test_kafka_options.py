from __future__ import annotations

import dataclasses

import pytest

from workers.errors import ConfigurationError
from workers.log.connection import Connection
from workers.log.kafka import KafkaLog
from workers.log.kafka_options import (
    admin_options,
    buffer_memory,
    consumer_options,
    producer_options,
)


@pytest.mark.parametrize("name", ["fetch.max.wait.ms", "fetch_max_wait_ms"])
def test_either_name_will_do(name: str) -> None:
    connection = Connection(overrides={name: "250"})
    assert consumer_options(connection)["fetch_max_wait_ms"] == 250
    assert "fetch_max_wait_ms" not in producer_options(connection)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("linger.ms", "20", 20),
        ("check.crcs", "false", False),
        ("check.crcs", "True", True),
        ("compression.type", "none", None),
        ("compression.type", "zstd", "zstd"),
        ("retries", "7", 7),
        ("client.rack", "rack-1", "rack-1"),
        ("receive.buffer.bytes", "65536", 65536),
    ],
)
def test_text_becomes_the_type_of_the_option(name: str, text: str, value: object) -> None:
    connection = Connection(overrides={name: text})
    options = {**consumer_options(connection), **producer_options(connection)}
    assert options[name.replace(".", "_")] == value
    assert type(options[name.replace(".", "_")]) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        pytest.param("linger.mss", "5", "did you mean linger.ms", id="unknown name"),
        pytest.param("ssl.truststore.location", "x", "no such option", id="of the Java client"),
        pytest.param("linger.ms", "soon", "linger.ms=soon: not an int", id="not a number"),
        pytest.param("check.crcs", "maybe", "check.crcs=maybe", id="not a truth value"),
        pytest.param("compression.type", "brotli", "gzip", id="unknown codec"),
        pytest.param("group.id", "g", "--group-id", id="has an option"),
        pytest.param("sasl.plain.password", "p", "--sasl-password-file", id="has a secret option"),
        pytest.param("enable.auto.commit", "true", "cannot be changed", id="guarantee"),
        pytest.param("acks", "1", "cannot be changed", id="acknowledgements"),
        pytest.param("key.deserializer", "str", "no such option", id="not text"),
    ],
)
def test_what_cannot_be_is_told_by_name(name: str, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as problem:
        KafkaLog(Connection(overrides={name: text}))
    assert told in str(problem.value)


@pytest.mark.parametrize("name", ["sasl.plain.password", "ssl.truststore.password"])
def test_no_error_shows_what_may_be_a_secret(name: str) -> None:
    with pytest.raises(ConfigurationError) as problem:
        KafkaLog(Connection(overrides={name: "hush"}))
    assert "hush" not in str(problem.value)


def test_positions_are_reset_by_us_alone() -> None:
    connection = dataclasses.replace(Connection(), auto_offset_reset="latest")
    options = consumer_options(connection)
    assert options["auto_offset_reset"] == "none"
    assert options["enable_auto_commit"] is False


def test_nothing_is_created_by_asking() -> None:
    connection = Connection()
    assert consumer_options(connection)["allow_auto_create_topics"] is False
    assert producer_options(connection)["allow_auto_create_topics"] is False


def test_heartbeats_fit_into_short_sessions() -> None:
    options = consumer_options(dataclasses.replace(Connection(), session_timeout_ms=1_500))
    assert options["heartbeat_interval_ms"] * 3 <= 1_500


def test_servers_are_listed() -> None:
    connection = dataclasses.replace(Connection(), bootstrap_servers="a:1, b:2,")
    assert admin_options(connection)["bootstrap_servers"] == ["a:1", "b:2"]


def test_buffer_memory_is_kafkas_unless_given() -> None:
    assert buffer_memory(Connection()) == 33_554_432
    assert buffer_memory(Connection(overrides={"buffer.memory": "1000"})) == 1_000


def test_a_mechanism_that_needs_more_than_text_is_refused() -> None:
    connection = dataclasses.replace(Connection(), sasl_mechanism="OAUTHBEARER")
    with pytest.raises(ConfigurationError, match="OAUTHBEARER"):
        KafkaLog(connection)
