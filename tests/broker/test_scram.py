"""Passwords: the right one opens, others are refused at once, and none is ever told."""

from __future__ import annotations

import base64
import logging
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from kafka.admin import ACLOperation, ResourceType

from tests.broker.secured import PASSWORD, USER, Right, SecuredNode
from tests.broker.test_tls import BOUND, WRONG_PASSWORD, refused, works
from tests.contracts.reader import PATIENCE, Reader, poll_until
from tests.contracts.worlds import CLIENTS, Client
from workers.errors import AuthorisationError
from workers.log import topics
from workers.log.connection import Connection
from workers.log.contract import Outgoing
from workers.log.opening import open_log
from workers.settings.resolve import Given, load

pytestmark = pytest.mark.kafka

ENCODED = base64.b64encode(PASSWORD.encode()).decode()


@pytest.fixture(scope="module")
def node(secured_node: SecuredNode) -> Iterator[SecuredNode]:
    secured_node.add_user()
    yield secured_node
    secured_node.remove_user()


def opening(node: SecuredNode, listener: str, mechanism: str) -> Connection:
    return replace(node.scram(listener), sasl_mechanism=mechanism)


@pytest.mark.parametrize(
    ("listener", "mechanism"),
    [
        ("SASL_SSL", "SCRAM-SHA-512"),
        ("SASL_SSL", "PLAIN"),
        ("SASL_PLAINTEXT", "SCRAM-SHA-512"),
        ("SASL_PLAINTEXT", "PLAIN"),
    ],
)
def test_the_right_password_opens_and_stands_in_no_log(
    node: SecuredNode, caplog: pytest.LogCaptureFixture, listener: str, mechanism: str
) -> None:
    connection = opening(node, listener, mechanism)
    # The client's own level too: an earlier test of a verb may have left it quiet.
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="kafka"):
        works(connection)
    # It does say that it logged in, and not with what.
    assert "SaslAuthenticateRequest" in caplog.text
    for secret in (PASSWORD, ENCODED, ",p=", "n,,n="):
        assert secret not in caplog.text


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_no_secret_is_in_the_log_of_the_second_client(
    node: SecuredNode, caplog: pytest.LogCaptureFixture, mechanism: str
) -> None:
    connection = replace(
        opening(node, "SASL_SSL", mechanism), client="confluent", overrides={"debug": "all"}
    )
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="kafka"):
        works(connection)
    told = "\n".join(
        record.getMessage() for record in caplog.records if "librdkafka" in record.name
    )
    assert "SASL" in told
    for secret in (PASSWORD, ENCODED, ",p=", "n,,n="):
        assert secret not in caplog.text


@pytest.mark.parametrize("listener", ["SASL_SSL", "SASL_PLAINTEXT"])
@pytest.mark.parametrize(
    ("user", "password", "mechanism"),
    [
        (USER, WRONG_PASSWORD, "SCRAM-SHA-512"),
        (USER, WRONG_PASSWORD, "PLAIN"),
        ("nobody", PASSWORD, "SCRAM-SHA-512"),
        # A password is kept for each mechanism, and of the other there is none.
        (USER, PASSWORD, "SCRAM-SHA-256"),
    ],
)
def test_other_credentials_are_refused_for_good(
    node: SecuredNode,
    caplog: pytest.LogCaptureFixture,
    listener: str,
    user: str,
    password: str,
    mechanism: str,
) -> None:
    connection = replace(
        opening(node, listener, mechanism), sasl_username=user, sasl_password=password
    )
    with caplog.at_level(logging.DEBUG):
        messages = refused(connection, AuthorisationError)
    for message in messages:
        assert "--sasl-password-file" in message
        assert "did not accept who we are" in message
    told = "\n".join([*messages, repr(connection), caplog.text])
    for secret in (PASSWORD, WRONG_PASSWORD, ENCODED, ",p="):
        assert secret not in told


@pytest.mark.parametrize("client", CLIENTS)
def test_a_user_who_is_removed_while_connected_is_told_so(
    node: SecuredNode, client: Client
) -> None:
    user, topic = f"leaver-{uuid.uuid4().hex[:8]}", f"topic-{uuid.uuid4().hex}"
    node.add_user(user)
    topics.create(node.operator, {topic: 1})
    node.grant(
        user,
        Right(ACLOperation.READ, ResourceType.TOPIC, topic),
        Right(ACLOperation.WRITE, ResourceType.TOPIC, topic),
        Right(ACLOperation.READ, ResourceType.GROUP, topic),
    )
    # This listener asks who we are again, as any does after a connection was lost.
    log = open_log(replace(node.scram("SHORT", user), group_id=topic, client=client))
    sink = log.sink()
    rows = Outgoing(topic=topic, keys=[None] * 3, values=[b"x"] * 3)
    assert sink.publish(rows).wait(PATIENCE)
    reader = Reader(log, topic, commits=False).until(3)

    node.remove_user(user)

    with pytest.raises(AuthorisationError, match="--sasl-password-file"):
        poll_until([reader], lambda: False)
    began = time.monotonic()
    delivery = sink.publish(rows)
    assert delivery.wait(PATIENCE)
    assert {type(error) for error in delivery.failures().values()} == {AuthorisationError}
    assert time.monotonic() - began < BOUND
    reader.source.close()
    sink.close(PATIENCE)


@pytest.mark.parametrize("client", CLIENTS)
def test_who_is_asked_again_while_working_goes_on(node: SecuredNode, client: Client) -> None:
    topic = f"topic-{uuid.uuid4().hex}"
    topics.create(node.operator, {topic: 1})
    log = open_log(replace(node.scram("SHORT"), group_id=topic, client=client))
    sink = log.sink()
    reader = Reader(log, topic)
    began, sent = time.monotonic(), 0
    while time.monotonic() - began < 2 * 1.5:
        delivery = sink.publish(Outgoing(topic=topic, keys=[None], values=[b"x"]))
        assert delivery.wait(PATIENCE)
        assert delivery.failures() == {}
        sent += 1
        reader.poll()
    reader.until(sent)
    reader.source.close()
    sink.close(PATIENCE)


def test_a_worker_says_what_is_wrong_and_keeps_the_password(node: SecuredNode) -> None:
    connection = opening(node, "SASL_PLAINTEXT", "PLAIN")
    worker = subprocess.run(
        [
            *(sys.executable, "-m", "workers.cli", "work", "url", "--log-level", "debug"),
            *("--bootstrap-servers", connection.bootstrap_servers),
            *("--security-protocol", "SASL_PLAINTEXT", "--sasl-mechanism", "PLAIN"),
            *("--sasl-username", USER, "--engine", "tables"),
            # Whatever repeats itself would be logged once in that time.
            *("--report-period-ms", "1"),
        ],
        env={**os.environ, "WEIR_SASL_PASSWORD": WRONG_PASSWORD},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert worker.returncode == 1
    assert "Error: " in worker.stderr
    assert "did not accept who we are" in worker.stderr
    assert "SaslAuthenticateRequest" in worker.stderr
    assert WRONG_PASSWORD not in worker.stdout + worker.stderr


def test_settings_show_no_password() -> None:
    environ = {"WEIR_SASL_PASSWORD": PASSWORD, "WEIR_SSL_PASSWORD": WRONG_PASSWORD}
    resolved = load(Given(options={}), detector="url", environ=environ)
    assert resolved.settings.connection.sasl_password == PASSWORD
    for secret in environ.values():
        assert secret not in repr(resolved)
        assert secret not in str(resolved.settings)
