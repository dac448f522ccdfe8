from __future__ import annotations

from pathlib import Path

import pytest

from workers.errors import ConfigurationError
from workers.settings.resolve import Given, SettingsError, load


def problems(
    options: dict[str, str] | None = None,
    environ: dict[str, str] | None = None,
    *,
    overrides: tuple[str, ...] = (),
    config: Path | None = None,
) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(
            Given(options=options or {}, overrides=overrides, config=config),
            detector="url",
            environ=environ or {},
        )
    assert isinstance(caught.value, ConfigurationError)
    assert caught.value.retriable is False
    return caught.value.problems


def test_a_bad_value_is_named_with_its_key_and_origin() -> None:
    assert problems(environ={"WEIR_MAX_BATCH": "abc"}) == (
        (
            "Setting 'max_batch' has value 'abc' from WEIR_MAX_BATCH: "
            "not a whole number; give a number from 1 to 65536"
        ),
    )


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    config = tmp_path / "weir.toml"
    config.write_text("max_btach = 3\nmax_delay_ms = -1\n")

    told = problems({"engine": "torch"}, {"WEIR_LOGLEVEL": "info"}, config=config)

    assert told == (
        "Environment variable 'WEIR_LOGLEVEL' is no setting; did you mean 'WEIR_LOG_LEVEL'?",
        f"Setting 'max_btach' in file '{config}' is unknown; did you mean 'max_batch'?",
        (
            f"Setting 'max_delay_ms' has value -1 from {config}:max_delay_ms: out of range; "
            "give a number of milliseconds from 0 to 3600000"
        ),
        (
            "Setting 'engine' has value 'torch' from --engine: "
            "not one of the choices; give one of auto, keras, tables, "
            "tables-int8"
        ),
    )


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("max_batch", "0", "out of range"),
        ("max_batch", "65537", "out of range"),
        ("max_batch", "1_000", "not a whole number"),
        ("max_batch", "1.5", "not a whole number"),
        ("max_batch", "\u0663", "not a whole number"),
        ("max_delay_ms", "-1", "out of range"),
        ("ssl_check_hostname", "maybe", "neither yes nor no"),
        ("evidence_from", "harmless", "not one of the choices"),
        ("input_topic", "two words", "not a name that Kafka allows"),
        ("input_topic", "..", "not a name that Kafka allows"),
        ("input_topic", "x" * 250, "not a name that Kafka allows"),
        ("group_instance_id", "a/b", "not a name that Kafka allows"),
        ("group_id", " ", "not a text"),
        ("bootstrap_servers", "broker", "'broker' is not host:port"),
        ("bootstrap_servers", "a:9092,,b:9092", "'' is not host:port"),
        ("bootstrap_servers", "a:70000", "'a:70000' is not host:port"),
        ("bootstrap_servers", "kafka://a:9092", "'kafka://a:9092' is not host:port"),
        ("bootstrap_servers", "::1:9092", "'::1:9092' is not host:port"),
        ("http", "9100", "not host:port"),
        ("http", ":9100", "not host:port"),
        ("http", "localhost:70000", "not host:port"),
        ("http", "http://localhost:9100", "not host:port"),
        ("http", "::1:9100", "not host:port"),
        ("liveness_ms", "999", "out of range"),
        ("ssl_cafile", "/nowhere/ca.pem", "no such file"),
        ("model", "/nowhere/model", "no such folder"),
    ],
)
def test_values_out_of_range_or_form(key: str, value: str, reason: str) -> None:
    (problem,) = problems({key: value})

    assert problem.startswith(f"Setting '{key}' has value '{value[:99]}")
    assert reason in problem


def test_an_ipv6_server_stands_in_brackets() -> None:
    given = Given(options={"bootstrap_servers": "[::1]:9092"})

    assert load(given, detector="url", environ={}).settings.connection.bootstrap_servers == (
        "[::1]:9092"
    )


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::]:9100", "worker.local:65535"])
def test_addresses_to_listen_on(address: str) -> None:
    given = Given(options={"http": address})

    assert load(given, detector="url", environ={}).settings.http.http == address


def test_control_characters_of_a_value_are_escaped() -> None:
    (problem,) = problems({"engine": "\x1b[31mred\u202e"})

    assert r"'\x1b[31mred\u202e'" in problem


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"input_topic": "t", "verdict_topic": "t"},
            "Settings 'input_topic' and 'verdict_topic' are both 't'; give different topics",
        ),
        (
            {"security_protocol": "SASL_SSL"},
            "Setting 'security_protocol' is 'SASL_SSL': give sasl_mechanism too",
        ),
        (
            {"sasl_mechanism": "GSSAPI"},
            (
                "Setting 'sasl_mechanism' is 'GSSAPI', which security_protocol 'PLAINTEXT' does "
                "not use; give SASL_SSL or SASL_PLAINTEXT"
            ),
        ),
        (
            {
                "security_protocol": "sasl_ssl",
                "sasl_mechanism": "scram-sha-512",
                "sasl_username": "u",
            },
            "Setting 'sasl_mechanism' is 'SCRAM-SHA-512': give sasl_password too",
        ),
        (
            {"retry_initial_ms": "5", "retry_max_ms": "4"},
            "Setting 'retry_initial_ms' is 5, more than retry_max_ms, 4; give no more than that",
        ),
    ],
    ids=["one topic twice", "no mechanism", "mechanism unused", "no password", "retries"],
)
def test_values_that_do_not_go_together(options: dict[str, str], expected: str) -> None:
    assert problems(options) == (expected,)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"max_batch = = 1", "is not TOML: Invalid value"), (b"\xff = 1", "is not TOML: not UTF-8")],
    ids=["syntax", "encoding"],
)
def test_a_file_that_is_no_toml(tmp_path: Path, content: bytes, reason: str) -> None:
    config = tmp_path / "weir.toml"
    config.write_bytes(content)

    (problem,) = problems(config=config)

    assert str(config) in problem
    assert reason in problem


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    missing = str(tmp_path / "no.toml")

    assert problems(environ={"WEIR_CONFIG": missing}) == (
        (
            f"Setting 'config' has value '{missing}' from WEIR_CONFIG: No such file or directory; "
            "give the path of a TOML file"
        ),
    )


@pytest.mark.parametrize("pair", ["fetch.max.bytes", "=1"])
def test_a_client_option_without_a_value(pair: str) -> None:
    (problem,) = problems(overrides=(pair,))

    assert "no NAME=VALUE; give e.g. --kafka fetch.max.bytes=1048576" in problem


@pytest.mark.parametrize("name", ["group.id", "GROUP_ID", "sasl_plain_password"])
def test_a_client_option_that_is_a_setting(name: str) -> None:
    (problem,) = problems(overrides=(f"{name}=opensesame",))

    assert "is a setting of its own; give " in problem
    assert "opensesame" not in problem


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        (
            "fetch.max.byte=1",
            (
                "Kafka option 'fetch_max_byte' from --kafka fetch.max.byte: "
                "no such option of the client; did you mean fetch.max.bytes?"
            ),
        ),
        (
            "fetch.max.bytes=1M",
            (
                "Kafka option 'fetch_max_bytes' has value '1M' from --kafka fetch.max.bytes: "
                "not an int"
            ),
        ),
        (
            "compression.type=rar",
            (
                "Kafka option 'compression_type' has value 'rar' from --kafka compression.type: "
                "not one of none, gzip, lz4, snappy, zstd"
            ),
        ),
        (
            "max.poll.records=5",
            (
                "Kafka option 'max_poll_records' from --kafka max.poll.records: "
                "set this with --max-batch"
            ),
        ),
        (
            "acks=0",
            (
                "Kafka option 'acks' has value '0' from --kafka acks: the worker's guarantees "
                "rest on this option, so it cannot be changed"
            ),
        ),
    ],
    ids=["unknown", "not a number", "not a choice", "set elsewhere", "fixed"],
)
def test_a_client_option_that_cannot_be_used(pair: str, expected: str) -> None:
    assert problems(overrides=(pair,)) == (expected,)


@pytest.mark.parametrize(
    "variable",
    [
        "WEIR_SERVICE_HOST",
        "WEIR_SERVICE_PORT",
        "WEIR_SERVICE_PORT_METRICS",
        "WEIR_PORT",
        "WEIR_PORT_9092_TCP",
        "WEIR_PORT_9092_TCP_ADDR",
        "WEIR_URL_SERVICE_HOST",
        "WEIR_URL_PORT_8080_TCP_PROTO",
    ],
)
def test_variables_that_kubernetes_sets_for_a_service_are_let_be(variable: str) -> None:
    assert load(Given(), detector="url", environ={variable: "tcp://10.0.0.1:80"})


def test_what_is_overridden_need_not_be_right() -> None:
    effective = load(
        Given(options={"max_batch": "5"}), detector="url", environ={"WEIR_MAX_BATCH": "abc"}
    )

    assert effective.settings.batch.max_batch == 5
