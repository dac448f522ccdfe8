"""How to reach a Kafka cluster and join its group, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Settings of the Kafka clients, under Kafka's own names.

    Attributes:
        client: Which library talks to the cluster: kafka-python, or confluent-kafka (librdkafka),
            which is an extra.
        bootstrap_servers: ``host:port``, comma-separated.
        client_id: Name under which brokers log this client.
        group_id: Consumer group whose members share the input topic's partitions.
        group_instance_id: Static membership (KIP-345); None for a dynamic member.
        auto_offset_reset: Where to start where nothing is committed; ``none`` stops.
        isolation_level: Whether records of aborted transactions are hidden.
        session_timeout_ms: Silence after which the group gives our partitions away.
        max_poll_interval_ms: Time without `poll` after which the group gives them away.
        security_protocol: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
        ssl_cafile: PEM file of the authorities to trust.
        ssl_certfile: PEM file of the client's certificate.
        ssl_keyfile: PEM file of the client's key.
        ssl_password: Password of the client's key; secret.
        ssl_check_hostname: Whether the certificate must name the broker's host.
        sasl_mechanism: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, GSSAPI or OAUTHBEARER.
        sasl_username: User for PLAIN and SCRAM.
        sasl_password: Password for PLAIN and SCRAM; secret.
        overrides: Any further option of that client by its Kafka name (``fetch.max.bytes``) or
            its kafka-python name (``fetch_max_bytes``), as text.
    """

    client: Literal["kafka-python", "confluent"] = "kafka-python"
    bootstrap_servers: str = "localhost:9092"
    client_id: str = "fishweir"
    group_id: str = "fishweir"
    group_instance_id: str | None = None
    auto_offset_reset: Literal["earliest", "latest", "none"] = "earliest"
    isolation_level: Literal["read_committed", "read_uncommitted"] = "read_committed"
    session_timeout_ms: int = 45_000
    max_poll_interval_ms: int = 300_000
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_password: str | None = field(default=None, repr=False)
    ssl_check_hostname: bool = True
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    overrides: Mapping[str, str] = field(default_factory=dict)
