"""Two replays of one range on a real broker, the second held against the first."""

from __future__ import annotations

import orjson
import pytest
from kafka import KafkaProducer

from tests.broker.node import RunningNode
from tests.contracts.worlds import KafkaWorld
from tests.workers.telemetry import distinct
from workers.cli.main import run

pytestmark = pytest.mark.kafka


def test_a_run_against_an_earlier_one(
    kafka_node: RunningNode, capsys: pytest.CaptureFixture[str]
) -> None:
    world = KafkaWorld(kafka_node.bootstrap_servers)
    source, first, second = (world.new_topic(2) for _ in range(3))
    producer = KafkaProducer(bootstrap_servers=kafka_node.bootstrap_servers)
    for number, value in enumerate(distinct(40)):
        producer.send(source, value, partition=number % 2)
    producer.close()
    servers = ("--bootstrap-servers", kafka_node.bootstrap_servers)

    def replay(verdicts: str, *options: str) -> int:
        dead = world.new_topic()
        topics = ("--verdict-topic", verdicts, "--dead-letter-topic", dead)
        return run(
            [
                *("replay", "url", "--run", f"run-of-{verdicts}", *servers),
                *("--input-topic", source, *topics, "--commit-interval-ms", "50", *options),
            ]
        )

    assert replay(first) == 0
    capsys.readouterr()
    options = ("--from-offsets", "0:5,1:5", "--compare", first, "--json")
    assert replay(second, *options) == 0

    compared = orjson.loads(capsys.readouterr().out)["comparison"]
    assert (compared["both"], compared["agreeing"], compared["old"]["left_out"]) == (30, 30, 10)

    assert run(["models", "compare", "--old", first, "--new", second, *servers, "--json"]) == 0
    told = orjson.loads(capsys.readouterr().out)
    assert (told["both"], sum(told["old"]["only"].values())) == (30, 10)
