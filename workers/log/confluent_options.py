"""A `Connection` as options of librdkafka's clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Producer

from workers.errors import ConfigurationError
from workers.log.connection import Connection

# What a publisher may hold unacknowledged before `Sink.publish` waits. Kafka's name and value;
# librdkafka counts the rows of all topics together, and raises instead of waiting.
BUFFER_MEMORY: Final = "buffer.memory"
_BUFFER_BYTES: Final = 32 * 1024 * 1024

_LINGER_MS: Final = 5
_DELIVERY_MS: Final = 120_000
# As kafka-python's: a little under what brokers take in one request by default.
REQUEST_BYTES: Final = 99 * 1024 * 1024
# A request without an answer for so long is given up: a commit keeps the owner of a source for no
# longer, and a broker that fell silent is noticed.
_ANSWER_MS: Final = 10_000
# librdkafka's own default lets a broker that came back wait for ten seconds.
_RECONNECT_MS: Final = 1_000

# What an answer may hold, beside its batches of records.
_FRAME_BYTES: Final = 1024 * 1024
_FETCH_BYTES: Final = 50 * 1024 * 1024
_LARGEST_ANSWER: Final = 2**31 - 1
# What is fetched ahead of each partition, 64 MiB by default: bounded as kafka-python's is. The
# client looks again after the backoff, a second by default, whether there is room for more.
_AHEAD_KIB: Final = 1_024
_AHEAD_BACKOFF_MS: Final = 5
# How brokers are told apart from silence (`Events.connected`).
_STATISTICS_MS: Final = 1_000

# Kafka's and kafka-python's names that librdkafka has another for.
_NAMES: Final[Mapping[str, str]] = {
    "fetch.max.wait.ms": "fetch.wait.max.ms",
    "max.request.size": "message.max.bytes",
    "metadata.max.age.ms": "topic.metadata.refresh.interval.ms",
    "receive.buffer.bytes": "socket.receive.buffer.bytes",
    "send.buffer.bytes": "socket.send.buffer.bytes",
}
_OF_THEIR_OWN: Final[Mapping[str, str]] = {
    "auto.offset.reset": "--auto-offset-reset",
    "bootstrap.servers": "--bootstrap-servers",
    "client.id": "--client-id",
    "group.id": "--group-id",
    "group.instance.id": "--group-instance-id",
    "isolation.level": "--isolation-level",
    "max.poll.interval.ms": "--max-poll-interval-ms",
    "max.poll.records": "--max-batch",
    "metadata.broker.list": "--bootstrap-servers",
    "sasl.mechanism": "--sasl-mechanism",
    "sasl.mechanisms": "--sasl-mechanism",
    "sasl.password": "--sasl-password-file",
    "sasl.plain.password": "--sasl-password-file",
    "sasl.plain.username": "--sasl-username",
    "sasl.username": "--sasl-username",
    "security.protocol": "--security-protocol",
    "session.timeout.ms": "--session-timeout-ms",
    "ssl.ca.location": "--ssl-cafile",
    "ssl.cafile": "--ssl-cafile",
    "ssl.certfile": "--ssl-certfile",
    "ssl.certificate.location": "--ssl-certfile",
    "ssl.check.hostname": "--ssl-check-hostname",
    "ssl.endpoint.identification.algorithm": "--ssl-check-hostname",
    "ssl.key.location": "--ssl-keyfile",
    "ssl.key.password": "--ssl-password-file",
    "ssl.keyfile": "--ssl-keyfile",
    "ssl.password": "--ssl-password-file",
}
_FIXED: Final = frozenset(
    {
        "acks",
        "allow.auto.create.topics",
        "auto.commit.enable",
        "auto.commit.interval.ms",
        "delivery.report.only.error",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.gapless.guarantee",
        "enable.idempotence",
        "enable.partition.eof",
        "enable.random.seed",
        "enable.sasl.oauthbearer.unsecure.jwt",
        "enable.ssl.certificate.verification",
        "group.protocol",
        "group.remote.assignor",
        "offset.store.method",
        "offset.store.path",
        "offset.store.sync.interval.ms",
        "partition.assignment.strategy",
        "partitioner",
        "plugin.library.paths",
        "queue.buffering.max.kbytes",
        "queue.buffering.max.messages",
        "request.required.acks",
        "statistics.interval.ms",
        "transaction.timeout.ms",
        "transactional.id",
    }
)


def consumer_options(connection: Connection, largest: int = 0) -> dict[str, Any]:
    """Options of the `Consumer` of a group member.

    Args:
        connection: What to make of.
        largest: Bytes of the largest batch of records of the topic. Brokers send one whatever was
            asked for, and it must fit into what the client takes for an answer.

    Raises:
        ConfigurationError: an override is unknown, or has a value that cannot be used.
    """
    session = connection.session_timeout_ms
    options = {
        **_common(connection),
        "group.id": connection.group_id,
        # The source resets positions itself, so that it can say what was lost.
        "auto.offset.reset": "error",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "isolation.level": connection.isolation_level,
        "session.timeout.ms": session,
        # A third of the session at most, so that two heartbeats may go missing.
        "heartbeat.interval.ms": min(3_000, session // 3),
        "max.poll.interval.ms": connection.max_poll_interval_ms,
        "partition.assignment.strategy": "cooperative-sticky",
        "allow.auto.create.topics": False,
        "check.crcs": True,
        # Tells positions past gaps at the end of what was read.
        "enable.partition.eof": True,
        "queued.max.messages.kbytes": _AHEAD_KIB,
        "fetch.queue.backoff.ms": _AHEAD_BACKOFF_MS,
        "statistics.interval.ms": _STATISTICS_MS,
        "fetch.max.bytes": _FETCH_BYTES,
        **overrides_of(connection),
    }
    if connection.group_instance_id is not None:
        options["group.instance.id"] = connection.group_instance_id
    fetched = options["fetch.max.bytes"] = max(int(options["fetch.max.bytes"]), largest)
    options.setdefault(
        "receive.message.max.bytes", min(_LARGEST_ANSWER, fetched + largest + _FRAME_BYTES)
    )
    return options


def producer_options(connection: Connection) -> dict[str, Any]:
    """Options of the `Producer` of a publisher: idempotent, acknowledged by all replicas.

    Raises:
        ConfigurationError: an override is unknown, or has a value that cannot be used.
    """
    return {
        **_common(connection),
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": "murmur2_random",
        # Rows without a key are given a partition by us.
        "sticky.partitioning.linger.ms": 0,
        "compression.type": "lz4",
        "linger.ms": _LINGER_MS,
        "message.max.bytes": REQUEST_BYTES,
        "message.timeout.ms": _DELIVERY_MS,
        # Bounded by bytes, before it comes to the client.
        "queue.buffering.max.messages": 0,
        "queue.buffering.max.kbytes": 2**31 - 1,
        "allow.auto.create.topics": False,
        **overrides_of(connection),
    }


def transaction_options(connection: Connection, name: str) -> dict[str, Any]:
    """Options of the `Producer` of transactions of this name.

    A transaction that nobody ends is ended by the cluster after the session timeout: no sooner
    than the group gives the partitions of a replica that has died to others, who cannot read its
    positions before, and hardly later.

    Raises:
        ConfigurationError: an override is unknown, or has a value that cannot be used.
    """
    session = connection.session_timeout_ms
    return {
        **producer_options(connection),
        "transactional.id": name,
        "transaction.timeout.ms": session,
        # A row that is not acknowledged by then is of no use to the transaction.
        "message.timeout.ms": session,
        "socket.timeout.ms": min(_ANSWER_MS, max(900, session - 100)),
    }


def buffer_memory(connection: Connection) -> int:
    """Bytes that a publisher may hold unacknowledged.

    Raises:
        ConfigurationError: what was given is no number.
    """
    for given, text in connection.overrides.items():
        if given.replace("_", ".") == BUFFER_MEMORY:
            try:
                return int(text)
            except ValueError:
                raise ConfigurationError(f"--kafka {given}={text}: not an int") from None
    return _BUFFER_BYTES


def compression(options: Mapping[str, Any]) -> str | None:
    """The codec of a producer with these options; None for none."""
    codec = str(options.get("compression.codec", options["compression.type"]))
    return None if codec == "none" else codec


def overrides_of(connection: Connection) -> dict[str, str]:
    """The connection's overrides under librdkafka's names.

    Whether librdkafka knows them, and takes their values, is for it to say: `see_option`.

    Raises:
        ConfigurationError: one is set in another way, or cannot be changed.
    """
    named = {_named(given): text for given, text in connection.overrides.items()}
    return {name: text for name, text in named.items() if name != BUFFER_MEMORY}


def see_option(given: str, text: str) -> None:
    """See that librdkafka takes one override; connects to nothing.

    Raises:
        ConfigurationError: it does not; the message tells the value only of options that it knows.
    """
    name = _named(given)
    if name == BUFFER_MEMORY:
        buffer_memory(Connection(overrides={given: text}))
        return
    _make(Producer, {name: text, "log_level": 0}, f"--kafka {given}", text)


def see_usable(connection: Connection) -> None:
    """See that librdkafka takes all options of a connection; connects to nothing.

    Raises:
        ConfigurationError: it does not; the message names the option.
    """
    for given, text in connection.overrides.items():
        # One by one: of several it does not tell by which name it was given.
        see_option(given, text)
    for make, options in (
        (Consumer, consumer_options(connection)),
        (Producer, producer_options(connection)),
    ):
        # Files are looked at when it connects, by name.
        kept = {name: value for name, value in options.items() if not name.startswith("ssl.")}
        _make(make, {**kept, "bootstrap.servers": "", "log_level": 0}, "--client confluent", "")


def _named(given: str) -> str:
    """The name that librdkafka has for an override.

    Raises:
        ConfigurationError: it is set in another way, or cannot be changed.
    """
    name = given.replace("_", ".")
    if name in _OF_THEIR_OWN:
        raise ConfigurationError(f"--kafka {given}: set this with {_OF_THEIR_OWN[name]}")
    if name in _FIXED or name.endswith(".pem"):
        raise ConfigurationError(
            f"--kafka {given}: the worker's guarantees rest on this option, so it cannot be changed"
        )
    return _NAMES.get(name, name)


def _make(
    make: Callable[[dict[str, Any]], Consumer | Producer],
    options: dict[str, Any],
    told: str,
    text: str,
) -> None:
    try:
        make(options).close()
    except KafkaException as error:
        reason = str(error.args[0].str())
        if reason.startswith("No such configuration property"):
            # The value stays untold: what other clients know by that name may be a secret.
            raise ConfigurationError(f"{told}: librdkafka has no such option") from error
        if "GSSAPI" in reason:
            raise ConfigurationError(
                "--sasl-mechanism 'GSSAPI': the installed confluent-kafka is built without it; "
                "use --client kafka-python"
            ) from error
        shown = f"{told}={text}" if text else told
        raise ConfigurationError(f"{shown}: {_in_short(reason)}") from error


def _in_short(reason: str) -> str:
    """Without the words that only a programmer needs."""
    for start in ("Failed to create consumer: ", "Failed to create producer: "):
        reason = reason.removeprefix(start)
    if reason.startswith("Invalid value for configuration property"):
        return "librdkafka takes no such value"
    return reason.replace("`", "'").replace("'must", "' must")


def _common(connection: Connection) -> dict[str, Any]:
    if connection.sasl_mechanism == "OAUTHBEARER":
        raise ConfigurationError(
            "--sasl-mechanism 'OAUTHBEARER' needs a token provider, which cannot be given on a "
            "command line; use SCRAM-SHA-512, PLAIN or GSSAPI"
        )
    given = {
        "bootstrap.servers": connection.bootstrap_servers,
        "client.id": connection.client_id,
        "security.protocol": connection.security_protocol,
        "ssl.ca.location": connection.ssl_cafile,
        "ssl.certificate.location": connection.ssl_certfile,
        "ssl.key.location": connection.ssl_keyfile,
        "ssl.key.password": connection.ssl_password,
        "ssl.endpoint.identification.algorithm": (
            "https" if connection.ssl_check_hostname else "none"
        ),
        "sasl.mechanism": connection.sasl_mechanism,
        "sasl.username": connection.sasl_username,
        "sasl.password": connection.sasl_password,
        "socket.timeout.ms": _ANSWER_MS,
        "reconnect.backoff.max.ms": _RECONNECT_MS,
        # Brokers close what is idle, which is no news.
        "log.connection.close": False,
    }
    return {name: value for name, value in given.items() if value is not None}
