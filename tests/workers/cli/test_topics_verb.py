from __future__ import annotations

import uuid
from collections.abc import Iterable

import orjson
import pytest

from schemas.telemetry import max_record_bytes
from tests.broker.node import RunningNode
from workers.cli.main import run
from workers.errors import LogUnavailableError, TopicMissingError
from workers.log import topics
from workers.log.connection import Connection
from workers.log.contract import Outgoing, TopicPartition
from workers.log.kafka import KafkaLog
from workers.log.topics import PartitionDescription, TopicDescription


def partition(
    number: int, *, committed: int | None, leader: int = 1, begin: int = 0
) -> PartitionDescription:
    return PartitionDescription(
        partition=number,
        leader=leader,
        replicas=(1, 2),
        in_sync=(1,),
        begin=begin,
        end=10,
        committed=committed,
    )


def description(name: str, *partitions: PartitionDescription) -> TopicDescription:
    return TopicDescription(name=name, partitions=partitions, max_message_bytes=1_000)


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> dict[str, TopicDescription]:
    """Topics of a cluster, by name, for the test to fill."""
    known: dict[str, TopicDescription] = {}

    def describe(_connection: Connection, names: Iterable[str]) -> list[TopicDescription]:
        for name in names:
            if name not in known:
                raise TopicMissingError(f"topic '{name}' does not exist")
        return [known[name] for name in names]

    monkeypatch.setattr(topics, "describe", describe)
    return known


def test_describe_for_people(
    described: dict[str, TopicDescription], capsys: pytest.CaptureFixture[str]
) -> None:
    described["t"] = description(
        "t", partition(0, committed=7), partition(1, committed=None, leader=-1, begin=4)
    )

    assert run(["topics", "describe", "t"]) == 0

    title, *lines = capsys.readouterr().out.splitlines()
    # What nobody has committed for is read from the beginning: 3 and 6 are left.
    assert title == (
        "t: 2 partitions, replication 2, max.message.bytes 1000, group fishweir-url has lag 9"
    )
    assert lines[0].split() == [
        *("partition", "leader", "replicas", "in", "sync"),
        *("begin", "end", "committed", "lag"),
    ]
    assert lines[1].split() == ["0", "1", "1,2", "1", "0", "10", "7", "3"]
    assert lines[2].split() == ["1", "none", "1,2", "1", "4", "10", "none", "none"]


def test_a_group_that_has_committed_nothing_has_no_lag(
    described: dict[str, TopicDescription], capsys: pytest.CaptureFixture[str]
) -> None:
    described["t"] = description("t", partition(0, committed=None))

    assert run(["topics", "describe", "t", "--group-id", "mine"]) == 0

    assert "group mine has committed nothing\n" in capsys.readouterr().out


def test_one_topic_that_is_missing_does_not_hide_the_others(
    described: dict[str, TopicDescription], capsys: pytest.CaptureFixture[str]
) -> None:
    described["alerts"] = description("alerts", partition(0, committed=1))

    assert run(["topics", "describe", "--json"]) == 1

    captured = capsys.readouterr()
    assert [topic["name"] for topic in orjson.loads(captured.out)] == ["alerts"]
    assert captured.err.splitlines() == [
        "Error: topic 'telemetry.urls' does not exist",
        "Error: topic 'telemetry.urls.dead' does not exist",
    ]


def test_a_coordinator_that_is_still_being_found_is_waited_for(
    described: dict[str, TopicDescription], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([LogUnavailableError("coordinator not available"), None])
    described["t"] = description("t", partition(0, committed=1))
    describe = topics.describe

    def late(connection: Connection, names: Iterable[str]) -> list[TopicDescription]:
        if (error := next(answers)) is not None:
            raise error
        return describe(connection, names)

    monkeypatch.setattr(topics, "describe", late)

    assert run(["topics", "describe", "t"]) == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--partitions", "0"], "--partitions"),
        (["--replication-factor", "0"], "--replication-factor"),
        (["--topic-config", "retention.ms"], "give e.g. --topic-config retention.ms=86400000"),
    ],
    ids=["partitions", "replicas", "setting"],
)
def test_options_that_cannot_be_used(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["topics", "create", *arguments]) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert told in captured.err


@pytest.fixture
def servers(kafka_node: RunningNode, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("WEIR_BOOTSTRAP_SERVERS", kafka_node.bootstrap_servers)
    return kafka_node.bootstrap_servers


@pytest.fixture
def name() -> str:
    return f"topic-{uuid.uuid4().hex}"


@pytest.mark.kafka
def test_create_makes_what_is_missing_and_leaves_the_rest(
    servers: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    create = ["topics", "create", "--json"]
    assert run([*create, name, "--partitions", "2"]) == 0
    capsys.readouterr()

    both = [name, f"{name}.more", name]
    assert run([*create, *both, "--topic-config", "max.message.bytes=2000000"]) == 0

    assert orjson.loads(capsys.readouterr().out) == [
        {"topic": name, "created": False, "partitions": 2, "max_message_bytes": 1_048_588},
        {"topic": f"{name}.more", "created": True, "partitions": 4, "max_message_bytes": 2_000_000},
    ]


@pytest.mark.kafka
def test_create_makes_the_topics_of_the_settings(
    servers: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(["topics", "create", "--input-topic", name, "--verdict-topic", f"{name}.verdicts"]) == 0
    )

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["topic", "outcome", "partitions", "max.message.bytes"],
        [name, "created", "4", "1048588"],
        [f"{name}.verdicts", "created", "4", "1048588"],
        [f"{name}.dead", "created", "4", "1048588"],
    ]


@pytest.mark.kafka
def test_topics_of_pages_take_the_largest_page(
    servers: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    create = ["topics", "create", "html", "--input-topic", name, "--partitions", "1", "--json"]
    assert run(create) == 0

    pages, verdicts, dead = orjson.loads(capsys.readouterr().out)
    assert (pages["topic"], verdicts["topic"]) == (name, "alerts")
    assert dead["topic"] == f"{name}.dead"
    # Whatever is taken of a page of 32 MiB, however it is written; a dead letter has headers too.
    assert pages["max_message_bytes"] > max_record_bytes("html")
    assert pages["max_message_bytes"] + 2_048 < dead["max_message_bytes"] < 100 * 1024 * 1024
    assert verdicts["max_message_bytes"] == 1_048_588

    smaller = [*create[:3], "--input-topic", f"{name}.small", *create[5:]]
    assert run([*smaller, "--max-page-bytes", "3000000"]) == 0
    small, *_ = orjson.loads(capsys.readouterr().out)
    assert 9_000_000 < small["max_message_bytes"] < 11_000_000

    own = [*smaller[:4], f"{name}.own", *smaller[5:]]
    assert run([*own, "--topic-config", "max.message.bytes=9000000"]) == 0
    assert orjson.loads(capsys.readouterr().out)[0]["max_message_bytes"] == 9_000_000


def test_a_topic_of_pages_is_known_by_its_name(
    described: dict[str, TopicDescription], capsys: pytest.CaptureFixture[str]
) -> None:
    for detector, topic in (("html", "telemetry.html"), ("path", "telemetry.paths")):
        described[topic] = description(topic, partition(0, committed=1))
        assert run(["topics", "describe", topic]) == 0
        assert f"group fishweir-{detector} " in capsys.readouterr().out


def test_detectors_stand_for_their_topics(
    described: dict[str, TopicDescription], capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["telemetry.html", "telemetry.html.dead", "telemetry.paths", "telemetry.paths.dead"]
    for topic in (*names, "alerts"):
        described[topic] = description(topic, partition(0, committed=1))

    assert run(["topics", "describe", "html", "path", "--json"]) == 0

    told = [topic["name"] for topic in orjson.loads(capsys.readouterr().out)]
    assert told == [names[0], "alerts", *names[1:]]


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--topic-config", "retention=1"], "Unknown topic config name: retention"),
        (["--replication-factor", "3"], "only 1 broker(s) are registered"),
        (["a/b"], "Topic name is invalid"),
    ],
    ids=["setting", "replicas", "name"],
)
def test_what_the_cluster_refuses(
    arguments: list[str],
    told: str,
    servers: str,
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["topics", "create", name, *arguments]) == 2

    captured = capsys.readouterr()
    assert told in captured.err
    assert len(captured.err.splitlines()) == 1


@pytest.mark.kafka
def test_describe_tells_offsets_and_lag(
    servers: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = Connection(bootstrap_servers=servers, group_id=f"group-{name}")
    topics.create(connection, {name: 1})
    log = KafkaLog(connection)
    sink, source = log.sink(), log.source()
    sink.publish(Outgoing(topic=name, keys=[None] * 5, values=[b"x"] * 5))
    assert sink.flush(60)
    sink.close(1)
    source.subscribe(name, Ignoring())
    while not source.positions():
        source.poll(1, 0.1)
    source.commit({TopicPartition(name, 0): 2})
    source.close()

    assert run(["topics", "describe", name, "--group-id", connection.group_id, "--json"]) == 0

    (topic,) = orjson.loads(capsys.readouterr().out)
    assert topic == {
        "name": name,
        "group": connection.group_id,
        "replication": 1,
        "max_message_bytes": 1_048_588,
        "lag": 3,
        "partitions": [
            {
                "partition": 0,
                "leader": 1,
                "replicas": [1],
                "in_sync": [1],
                "begin": 0,
                "end": 5,
                "committed": 2,
                "lag": 3,
            }
        ],
    }


class Ignoring:
    """A listener that has nothing to do."""

    def on_assigned(self, partitions: object) -> None:
        pass

    def on_revoked(self, partitions: object) -> None:
        pass

    def on_lost(self, partitions: object) -> None:
        pass
