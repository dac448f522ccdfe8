"""Brokers that are away, come back, or do not want us."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.node import RunningNode
from tests.contracts.reader import PATIENCE, Reader, poll_until
from tests.contracts.worlds import CLIENTS, Client, KafkaWorld
from workers.errors import AssignmentLostError, AuthorisationError, LogUnavailableError
from workers.log import topics
from workers.log.connection import Connection
from workers.log.contract import Outgoing, TopicPartition
from workers.log.opening import open_log

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("client", CLIENTS)
def test_source_and_sink_outlast_a_broker_that_is_killed(tmp_path: Path, client: Client) -> None:
    node = RunningNode("--port", "0", "--data-dir", str(tmp_path))
    world = KafkaWorld(node.bootstrap_servers, client)
    topic = world.new_topic(2)
    sink = world.log().sink()
    keys = [b"%d" % number for number in range(200)]
    assert sink.publish(Outgoing(topic=topic, keys=keys[:100], values=keys[:100])).wait(PATIENCE)
    reader = Reader(world.log(), topic).until(100)
    reader.commit()
    node.kill()
    # Published while there is no broker: acknowledged when there is one again.
    pending = sink.publish(Outgoing(topic=topic, keys=keys[100:], values=keys[100:]))
    # Polls say nothing of a broker that is away.
    poll_until([reader], lambda: not reader.source.reachable())
    again = RunningNode("--port", str(node.port), "--data-dir", str(tmp_path))
    assert pending.wait(PATIENCE)
    assert pending.failures() == {}
    poll_until([reader], lambda: len(set(reader.values)) >= 200)
    assert reader.source.reachable()
    assert sorted(reader.values, key=lambda value: int(value or b"")) == keys
    poll_until([reader], lambda: len(reader.held) == 2)
    reader.source.close()
    sink.close(PATIENCE)
    again.stop()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_commit_that_gets_no_answer_is_given_up(tmp_path: Path, client: Client) -> None:
    node = RunningNode("--port", "0", "--data-dir", str(tmp_path))
    world = KafkaWorld(node.bootstrap_servers, client)
    topic = world.new_topic()
    sink = world.log().sink()
    assert sink.publish(Outgoing(topic=topic, keys=[None], values=[b"x"])).wait(PATIENCE)
    sink.close(PATIENCE)
    reader = Reader(world.log(), topic, commits=False).until(1)
    node.kill()
    # Whoever waited for an answer for ever would neither poll nor stop.
    for _ in range(2):
        with pytest.raises(LogUnavailableError):
            reader.commit()
    again = RunningNode("--port", str(node.port), "--data-dir", str(tmp_path))

    def is_committed() -> bool:
        with contextlib.suppress(LogUnavailableError, AssignmentLostError):
            reader.commit()
            return world.committed("group", topic) == {TopicPartition(topic, 0): 1}
        return False

    poll_until([reader], is_committed)
    reader.source.close()
    again.stop()


@pytest.mark.parametrize("client", CLIENTS)
def test_nobody_there_is_told_as_passing(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    monkeypatch.setattr("workers.log.kafka_client.CONNECT_SECONDS", 0.5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        connection = Connection(
            client=client, bootstrap_servers=f"127.0.0.1:{taken.getsockname()[1]}"
        )
        log = open_log(connection)
        with pytest.raises(LogUnavailableError, match="bootstrap-servers"):
            Reader(log, "topic")
        sink = log.sink()
        delivery = sink.publish(Outgoing(topic="topic", keys=[None], values=[b"x"]))
        assert isinstance(delivery.failures()[0], LogUnavailableError)
        sink.close(0)


SECRET = "right-" + "secret"  # one that no scanner takes for a real one


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """To a node that knows one user."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    properties = {
        "extra.listeners": f"SASL_PLAINTEXT://127.0.0.1:{port}",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": (
            "org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'user_weir="{SECRET}";'
        ),
    }
    settings = [f"--set={name}={value}" for name, value in properties.items()]
    node = RunningNode("--port", "0", *settings)
    yield Connection(
        bootstrap_servers=f"127.0.0.1:{port}",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username="weir",
        sasl_password=SECRET,
    )
    node.stop()


@pytest.mark.parametrize("client", CLIENTS)
def test_the_right_password_opens(connection: Connection, client: Client) -> None:
    connection = dataclasses.replace(connection, client=client, group_id=client)
    topics.create(connection, {"opened": 1})
    sink = open_log(connection).sink()
    delivery = sink.publish(Outgoing(topic="opened", keys=[None], values=[b"x"]))
    assert delivery.wait(PATIENCE)
    assert delivery.failures() == {}
    sink.close(PATIENCE)
    reader = Reader(open_log(connection), "opened").until(1)
    reader.source.close()


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("mechanism", "password"),
    [
        pytest.param("PLAIN", "wrong-secret", id="password"),
        pytest.param("SCRAM-SHA-256", SECRET, id="mechanism"),
    ],
)
def test_a_refusal_is_final_and_keeps_secrets(
    connection: Connection, mechanism: str, password: str, client: Client
) -> None:
    refused = dataclasses.replace(
        connection, client=client, sasl_mechanism=mechanism, sasl_password=password
    )
    with pytest.raises(AuthorisationError) as told:
        Reader(open_log(refused), "opened")
    assert "sasl" in str(told.value)
    assert "secret" not in str(told.value)
