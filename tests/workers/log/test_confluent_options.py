from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys

import pytest

from workers.errors import ConfigurationError
from workers.log import opening
from workers.log.confluent import ConfluentLog
from workers.log.confluent_options import (
    buffer_memory,
    consumer_options,
    producer_options,
    transaction_options,
)
from workers.log.connection import Connection
from workers.log.opening import open_log, see_option


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("linger.ms", "linger.ms"),
        ("linger_ms", "linger.ms"),
        # What Kafka and librdkafka call by different names.
        ("fetch.max.wait.ms", "fetch.wait.max.ms"),
        ("metadata.max.age.ms", "topic.metadata.refresh.interval.ms"),
    ],
)
def test_any_name_will_do(given: str, name: str) -> None:
    connection = Connection(client="confluent", overrides={given: "250"})
    assert producer_options(connection)[name] == "250"
    ConfluentLog(connection)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        pytest.param("linger.mss", "5", "no such option", id="unknown name"),
        pytest.param(
            "linger.ms", "soon", "linger.ms=soon: librdkafka takes no such value", id="not a number"
        ),
        pytest.param("compression.type", "brotli", "compression.type=brotli", id="unknown codec"),
        pytest.param("buffer.memory", "much", "buffer.memory=much: not an int", id="of our own"),
        pytest.param("group.id", "g", "--group-id", id="has an option"),
        pytest.param("sasl.password", "p", "--sasl-password-file", id="has a secret option"),
        pytest.param("enable.auto.commit", "true", "cannot be changed", id="guarantee"),
        pytest.param("acks", "1", "cannot be changed", id="acknowledgements"),
        pytest.param("plugin.library.paths", "x.so", "cannot be changed", id="foreign code"),
        pytest.param("ssl.key.pem", "x", "cannot be changed", id="secret that has no option"),
    ],
)
def test_what_cannot_be_is_told_by_name(name: str, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as problem:
        open_log(Connection(client="confluent", overrides={name: text}))
    assert told in str(problem.value)
    with pytest.raises(ConfigurationError, match=name):
        see_option("confluent", name, text)


@pytest.mark.parametrize("name", ["sasl.password", "ssl.key.password", "ssl.truststore.password"])
def test_no_error_shows_what_may_be_a_secret(name: str) -> None:
    with pytest.raises(ConfigurationError) as problem:
        open_log(Connection(client="confluent", overrides={name: "hush"}))
    assert "hush" not in str(problem.value)


def test_what_the_other_client_calls_its_options_is_not_taken_for_one_of_this() -> None:
    with pytest.raises(ConfigurationError, match="no such option"):
        open_log(Connection(client="confluent", overrides={"bootstrap.timeout.ms": "1"}))
    with pytest.raises(ConfigurationError, match="no such option"):
        open_log(Connection(overrides={"queued.min.messages": "1"}))


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "GSSAPI"])
def test_a_mechanism_that_is_not_to_be_had_is_refused(mechanism: str) -> None:
    connection = dataclasses.replace(
        Connection(client="confluent"),
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism=mechanism,
    )
    with pytest.raises(ConfigurationError, match=mechanism):
        open_log(connection)


def test_options_that_do_not_go_together_are_named() -> None:
    connection = Connection(
        client="confluent", session_timeout_ms=45_000, max_poll_interval_ms=6_000
    )
    with pytest.raises(ConfigurationError, match=r"max\.poll\.interval\.ms"):
        open_log(connection)


def test_positions_are_reset_by_us_alone() -> None:
    options = consumer_options(Connection(auto_offset_reset="latest"))
    assert options["auto.offset.reset"] == "error"
    assert options["enable.auto.commit"] is False
    assert options["enable.auto.offset.store"] is False


def test_an_answer_may_be_as_large_as_the_topics_largest_batch() -> None:
    options = consumer_options(Connection(), largest=200_000_000)
    assert options["receive.message.max.bytes"] > options["fetch.max.bytes"] >= 200_000_000


def test_a_transaction_is_given_up_with_the_session() -> None:
    connection = Connection(client="confluent", session_timeout_ms=6_000)
    options = transaction_options(connection, "name")
    assert options["transaction.timeout.ms"] == options["message.timeout.ms"] == 6_000


def test_buffer_memory_is_kafkas_unless_given() -> None:
    assert buffer_memory(Connection()) == 33_554_432
    assert buffer_memory(Connection(overrides={"buffer_memory": "1000"})) == 1_000


def test_without_the_extra_its_installation_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'fishweir\[confluent\]'"):
        open_log(Connection(client="confluent"))


def test_only_the_chosen_client_is_imported() -> None:
    program = (
        "import sys\n"
        "from workers.log.connection import Connection\n"
        "from workers.log.opening import open_log\n"
        "open_log(Connection(client=sys.argv[1])).source()\n"
        "print(sorted({'confluent_kafka', 'kafka.consumer.fetcher'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", program]
    told = subprocess.run([*command, "kafka-python"], capture_output=True, text=True, check=True)
    assert "confluent_kafka" not in told.stdout


def test_checking_options_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        open_log(Connection(client="confluent", overrides={"fetch.max.wait.ms": "10"}))
    assert not [one for one in caplog.records if "rdkafka" in one.getMessage()]
