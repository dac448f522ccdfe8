"""TLS as it should be, and every way in which it is not: named, at once, and without secrets."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.broker.secured import PASSWORD, SecuredNode
from tests.contracts.reader import PATIENCE, Reader
from tests.contracts.worlds import CLIENTS, Client
from workers.errors import (
    AuthorisationError,
    ConfigurationError,
    LogUnavailableError,
    WorkerError,
)
from workers.log import topics
from workers.log.connection import Connection
from workers.log.contract import Outgoing
from workers.log.opening import open_log

pytestmark = pytest.mark.kafka

# A refusal is known after a handshake or three; what only times out takes ten seconds and more.
BOUND = 8.0
KEY_PASSWORD = "key-" + "secret"
WRONG_PASSWORD = "wrong-" + "secret"


def works(connection: Connection) -> None:
    topic = f"tls-{uuid.uuid4().hex}"
    connection = replace(connection, group_id=topic)
    topics.create(connection, {topic: 1})
    log = open_log(connection)
    sink = log.sink()
    delivery = sink.publish(Outgoing(topic=topic, keys=[None], values=[b"x"]))
    assert delivery.wait(PATIENCE)
    assert delivery.failures() == {}
    reader = Reader(log, topic).until(1)
    reader.commit()
    reader.source.close()
    sink.close(PATIENCE)
    (described,) = topics.describe(connection, [topic])
    assert [partition.committed for partition in described.partitions] == [1]


def refused(connection: Connection, kind: type[WorkerError]) -> list[str]:
    """What admin, source and sink say, each within bounds."""
    log = open_log(connection)

    def publish() -> None:
        sink = log.sink()
        delivery = sink.publish(Outgoing(topic="any", keys=[None], values=[b"x"]))
        assert delivery.wait(PATIENCE)
        sink.close(0)
        raise delivery.failures()[0]

    attempts: list[Callable[[], object]] = [
        lambda: topics.describe(connection, ["any"]),
        lambda: Reader(log, "any"),
        publish,
    ]
    messages = []
    for attempt in attempts:
        began = time.monotonic()
        with pytest.raises(kind) as told:
            attempt()
        assert time.monotonic() - began < BOUND
        messages.append(str(told.value))
    return messages


@pytest.mark.parametrize("kafka_client", CLIENTS)
def test_the_right_authority_opens(secured_node: SecuredNode, kafka_client: Client) -> None:
    works(replace(secured_node.tls(), client=kafka_client))


@pytest.mark.parametrize("kafka_client", CLIENTS)
def test_the_right_client_certificate_opens(
    secured_node: SecuredNode, kafka_client: Client
) -> None:
    client = secured_node.authority.sign("client", "client.example", password=KEY_PASSWORD)
    connection = replace(
        secured_node.tls("MUTUAL", client), ssl_password=KEY_PASSWORD, client=kafka_client
    )
    with pytest.raises(AuthorisationError, match=r"Grant .* Create"):
        # It is let in, and then may do nothing: its certificate is a user without rights.
        works(connection)


def of(node: SecuredNode, case: str) -> Connection:
    right = node.tls()
    mutual = node.tls("MUTUAL")
    sign = node.authority.sign
    locked = sign("locked", "client.example", password=KEY_PASSWORD)
    return {
        "another authority": replace(right, ssl_cafile=str(node.stranger.file)),
        "no authority": replace(right, ssl_cafile=None),
        "another host": node.tls("ELSEWHERE"),
        "expired": node.tls("EXPIRED"),
        "no client certificate": mutual,
        "an expired client": node.tls("MUTUAL", sign("old", "client.example", expired=True)),
        "a stranger": node.tls("MUTUAL", node.stranger.sign("stranger", "client.example")),
        "no such file": replace(right, ssl_cafile="/no/such/file.pem"),
        "no certificate in it": replace(right, ssl_cafile=str(locked.key)),
        "a key without its certificate": replace(right, ssl_keyfile=str(locked.key)),
        "a certificate without its key": replace(mutual, ssl_certfile=str(locked.certificate)),
        "a locked key": node.tls("MUTUAL", locked),
        "another password": replace(node.tls("MUTUAL", locked), ssl_password=WRONG_PASSWORD),
        "plain on TLS": Connection(bootstrap_servers=node.server("SSL")),
        "plain on SASL": Connection(bootstrap_servers=node.server("SASL_PLAINTEXT")),
        "SASL on TLS": replace(node.scram("SASL_PLAINTEXT"), bootstrap_servers=node.server("SSL")),
        "TLS on plain": replace(right, bootstrap_servers=node.operator.bootstrap_servers),
        "TLS on SASL": node.tls("SASL_SSL"),
        "SASL over TLS on plain": replace(
            node.scram(), bootstrap_servers=node.operator.bootstrap_servers
        ),
    }[case]


@pytest.mark.parametrize(
    ("case", "kind", "setting"),
    [
        ("another authority", ConfigurationError, "--ssl-cafile"),
        ("no authority", ConfigurationError, "--ssl-cafile"),
        ("another host", ConfigurationError, "--ssl-check-hostname false"),
        ("expired", ConfigurationError, "expired"),
        ("no client certificate", AuthorisationError, "--ssl-certfile"),
        ("an expired client", AuthorisationError, "--ssl-certfile"),
        ("a stranger", AuthorisationError, "--ssl-certfile"),
        ("no such file", ConfigurationError, "--ssl-cafile /no/such/file.pem"),
        ("no certificate in it", ConfigurationError, "--ssl-cafile"),
        ("a key without its certificate", ConfigurationError, "--ssl-certfile"),
        ("a certificate without its key", ConfigurationError, "--ssl-certfile"),
        ("a locked key", ConfigurationError, "--ssl-password-file"),
        ("another password", ConfigurationError, "--ssl-password-file"),
        ("plain on TLS", ConfigurationError, "--security-protocol to SSL"),
        ("plain on SASL", ConfigurationError, "--security-protocol to SASL_PLAINTEXT"),
        ("SASL on TLS", ConfigurationError, "--security-protocol to SSL or SASL_SSL"),
        ("TLS on plain", ConfigurationError, "--security-protocol to PLAINTEXT"),
        ("TLS on SASL", ConfigurationError, "--security-protocol to SASL_SSL"),
        ("SASL over TLS on plain", ConfigurationError, "--security-protocol to PLAINTEXT"),
    ],
)
def test_a_refusal_is_final_and_names_the_setting(
    secured_node: SecuredNode,
    caplog: pytest.LogCaptureFixture,
    case: str,
    kind: type[WorkerError],
    setting: str,
) -> None:
    connection = of(secured_node, case)
    with caplog.at_level(logging.DEBUG):
        messages = refused(connection, kind)
    for message in messages:
        assert setting in message
    told = "\n".join([*messages, repr(connection), caplog.text])
    for secret in (KEY_PASSWORD, WRONG_PASSWORD, PASSWORD, *key_lines(connection)):
        assert secret not in told


def key_lines(connection: Connection) -> list[str]:
    """Key material, line by line."""
    if connection.ssl_keyfile is None:
        return []
    return [
        line for line in Path(connection.ssl_keyfile).read_text().splitlines() if "--" not in line
    ]


@pytest.fixture
def closing_port() -> Iterator[str]:
    """Hangs up on whoever calls."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    server.accept()[0].close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE)


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL"])
def test_a_proxy_whose_brokers_are_away_is_waited_for(
    secured_node: SecuredNode,
    monkeypatch: pytest.MonkeyPatch,
    closing_port: str,
    protocol: str,
) -> None:
    """It hangs up on us as a port of another protocol does."""
    monkeypatch.setattr("workers.log.kafka_client.CONNECT_SECONDS", 0.5)
    connection = replace(secured_node.tls(), bootstrap_servers=closing_port)
    if protocol == "PLAINTEXT":
        connection = Connection(bootstrap_servers=closing_port)
    with pytest.raises(LogUnavailableError, match="--bootstrap-servers"):
        topics.describe(connection, ["any"])
