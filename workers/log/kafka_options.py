"""A `Connection` as options of kafka-python's clients."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.codec import has_gzip, has_lz4, has_snappy, has_zstd
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from workers.errors import ConfigurationError
from workers.log.connection import Connection

# What a publisher may hold unacknowledged before `Sink.publish` waits. kafka-python 3 has no
# bound of its own; the name and the value are Kafka's.
BUFFER_MEMORY: Final = "buffer_memory"
_BUFFER_BYTES: Final = 32 * 1024 * 1024

# One attempt to connect; `workers.log.kafka_client` makes several.
_BOOTSTRAP_MS: Final = 4_000

# Per batch of a partition. At 16 KiB, Kafka's default, 1,024 verdicts are sixty batches; at 256 KiB
# a verdict costs the client half of the CPU time and the broker a quarter. More gains nothing.
_BATCH_BYTES: Final = 256 * 1024
_LINGER_MS: Final = 5
# How long the first publishing to a topic waits for its partitions; known to exist by then.
_BLOCK_MS: Final = 10_000
# The client's own ceiling, a little under the 100 MiB that brokers take in one request by default
# (socket.request.max.bytes): what a topic takes is for its own limit to say, which each row is
# held against.
_REQUEST_BYTES: Final = 99 * 1024 * 1024

_CODECS: Final = {"gzip": has_gzip, "lz4": has_lz4, "snappy": has_snappy, "zstd": has_zstd}

# Options whose default in kafka-python is None or infinite, so that it does not tell the type.
_TYPES: Final[Mapping[str, type]] = {
    "proxy_url": str,
    "receive_buffer_bytes": int,
    "retries": int,
    "sasl_kerberos_domain_name": str,
    "sasl_kerberos_name": str,
    "send_buffer_bytes": int,
    "ssl_ciphers": str,
    "ssl_crlfile": str,
    BUFFER_MEMORY: int,
}

_OF_THEIR_OWN: Final[Mapping[str, str]] = {
    "auto_offset_reset": "--auto-offset-reset",
    "bootstrap_servers": "--bootstrap-servers",
    "client_id": "--client-id",
    "group_id": "--group-id",
    "group_instance_id": "--group-instance-id",
    "isolation_level": "--isolation-level",
    "max_poll_interval_ms": "--max-poll-interval-ms",
    "max_poll_records": "--max-batch",
    "sasl_mechanism": "--sasl-mechanism",
    "sasl_plain_password": "--sasl-password-file",
    "sasl_plain_username": "--sasl-username",
    "security_protocol": "--security-protocol",
    "session_timeout_ms": "--session-timeout-ms",
    "ssl_cafile": "--ssl-cafile",
    "ssl_certfile": "--ssl-certfile",
    "ssl_check_hostname": "--ssl-check-hostname",
    "ssl_keyfile": "--ssl-keyfile",
    "ssl_password": "--ssl-password-file",
}
_FIXED: Final = frozenset(
    {
        "acks",
        "allow_auto_create_topics",
        "auto_commit_interval_ms",
        "consumer_timeout_ms",
        "enable_auto_commit",
        "enable_idempotence",
        "exclude_internal_topics",
        "partition_assignment_strategy",
        "partitioner",
        "transaction_timeout_ms",
        "transactional_id",
    }
)


def consumer_options(connection: Connection) -> dict[str, Any]:
    """Options of the `KafkaConsumer` of a group member.

    ``auto_offset_reset`` is ``none`` whatever the connection says: the source resets positions
    itself, so that it can say what was lost.

    Raises:
        ConfigurationError: an override is unknown, or has a value that cannot be used.
    """
    session = connection.session_timeout_ms
    return {
        **_common(connection),
        "group_id": connection.group_id,
        "group_instance_id": connection.group_instance_id,
        "auto_offset_reset": "none",
        "enable_auto_commit": False,
        "isolation_level": connection.isolation_level,
        "session_timeout_ms": session,
        # A third of the session at most, so that two heartbeats may go missing.
        "heartbeat_interval_ms": min(3_000, session // 3),
        "max_poll_interval_ms": connection.max_poll_interval_ms,
        "partition_assignment_strategy": [CooperativeStickyAssignor()],
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
        **overrides_of(connection, KafkaConsumer.DEFAULT_CONFIG),
    }


def producer_options(connection: Connection) -> dict[str, Any]:
    """Options of the `KafkaProducer` of a publisher: idempotent, acknowledged by all replicas.

    Raises:
        ConfigurationError: an override is unknown, or has a value that cannot be used.
    """
    return {
        **_common(connection),
        "enable_idempotence": True,
        "acks": "all",
        "compression_type": "lz4" if has_lz4() else "gzip",
        "batch_size": _BATCH_BYTES,
        "linger_ms": _LINGER_MS,
        "max_request_size": _REQUEST_BYTES,
        "max_block_ms": _BLOCK_MS,
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
        **overrides_of(connection, KafkaProducer.DEFAULT_CONFIG),
    }


def transaction_options(connection: Connection, name: str) -> dict[str, Any]:
    """Options of the `KafkaProducer` of transactions of this name.

    A transaction that nobody ends is ended by the cluster after the session timeout: no sooner
    than the group gives the partitions of a replica that has died to others, who cannot read its
    positions before, and hardly later.

    Raises:
        ConfigurationError: an override is unknown, or has a value that cannot be used.
    """
    return {
        # Lingers as others do: without, the first rows of a transaction go out in batches of few,
        # which takes longer in all.
        **producer_options(connection),
        "transactional_id": name,
        "transaction_timeout_ms": connection.session_timeout_ms,
    }


def admin_options(connection: Connection) -> dict[str, Any]:
    """Options of a `KafkaAdminClient`.

    Raises:
        ConfigurationError: an override is unknown, or has a value that cannot be used.
    """
    return {**_common(connection), **overrides_of(connection, KafkaAdminClient.DEFAULT_CONFIG)}


def buffer_memory(connection: Connection) -> int:
    """Bytes that a publisher may hold unacknowledged."""
    given = connection.overrides.get("buffer.memory", connection.overrides.get(BUFFER_MEMORY))
    return _BUFFER_BYTES if given is None else int(_parsed("buffer.memory", given))


def overrides_of(connection: Connection, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The connection's overrides that a client with these defaults takes, typed.

    Names are Kafka's (``fetch.max.bytes``) or kafka-python's (``fetch_max_bytes``).

    Raises:
        ConfigurationError: whether or not this client takes it, an override is unknown, or has
            a value that cannot be used, or is set in another way.
    """
    if connection.client != "kafka-python":
        # They are another client's, beside which this one only asks and describes.
        return {}
    parsed = {
        name.replace(".", "_"): _parsed(name, text) for name, text in connection.overrides.items()
    }
    return {name: value for name, value in parsed.items() if name in defaults}


def _common(connection: Connection) -> dict[str, Any]:
    if connection.sasl_mechanism == "OAUTHBEARER":
        raise ConfigurationError(
            "--sasl-mechanism 'OAUTHBEARER' needs a token provider, which cannot be given on a "
            "command line; use SCRAM-SHA-512, PLAIN or GSSAPI"
        )
    return {
        "bootstrap_servers": [
            server.strip() for server in connection.bootstrap_servers.split(",") if server.strip()
        ],
        "bootstrap_timeout_ms": _BOOTSTRAP_MS,
        "client_id": connection.client_id,
        "security_protocol": connection.security_protocol,
        "ssl_cafile": connection.ssl_cafile,
        "ssl_certfile": connection.ssl_certfile,
        "ssl_keyfile": connection.ssl_keyfile,
        "ssl_password": connection.ssl_password,
        "ssl_check_hostname": connection.ssl_check_hostname,
        "sasl_mechanism": connection.sasl_mechanism,
        "sasl_plain_username": connection.sasl_username,
        "sasl_plain_password": connection.sasl_password,
    }


def _parsed(given: str, text: str) -> Any:
    """The value of one override."""
    name = given.replace(".", "_")
    if name in _OF_THEIR_OWN:
        raise ConfigurationError(f"--kafka {given}: set this with {_OF_THEIR_OWN[name]}")
    if name in _FIXED:
        raise ConfigurationError(
            f"--kafka {given}={text}: the worker's guarantees rest on this option, so it cannot "
            "be changed"
        )
    if name == "compression_type":
        return _codec(given, text)
    if name not in _KNOWN:
        near = difflib.get_close_matches(name, _KNOWN, n=1)
        hint = f"; did you mean {near[0].replace('_', '.')}?" if near else ""
        # The value stays untold: what other clients know by that name may be a secret.
        raise ConfigurationError(f"--kafka {given}: no such option of the client{hint}")
    kind = _KNOWN[name]
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise ConfigurationError(f"--kafka {given}={text}: neither true nor false")
        return text.lower() == "true"
    try:
        return kind(text)
    except ValueError:
        article = "an int" if kind is int else f"a {kind.__name__}"
        raise ConfigurationError(f"--kafka {given}={text}: not {article}") from None


def _codec(given: str, text: str) -> str | None:
    if text == "none":
        return None
    if text not in _CODECS:
        choices = ", ".join(["none", *_CODECS])
        raise ConfigurationError(f"--kafka {given}={text}: not one of {choices}")
    if not _CODECS[text]():
        raise ConfigurationError(
            f"--kafka {given}={text}: the library for it is missing; install kafka-python[{text}]"
        )
    return text


def _known() -> dict[str, type]:
    """Options that text can set, with their types."""
    defaults: dict[str, Any] = {}
    for client in (KafkaAdminClient, KafkaConsumer, KafkaProducer):
        defaults |= client.DEFAULT_CONFIG
    plain = {
        name: type(default)
        for name, default in defaults.items()
        if isinstance(default, bool | int | float | str)
    }
    return {**plain, **_TYPES}


_KNOWN: Final = _known()
