"""Answers that come just when a poll has looked for them and has not yet begun to wait."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.consumer import group

from tests.broker.node import RunningNode
from tests.contracts.reader import PATIENCE, Reader
from tests.contracts.worlds import KafkaWorld
from workers.log.contract import Outgoing
from workers.log.kafka_source import KafkaSource

pytestmark = pytest.mark.kafka


def test_an_answer_that_comes_between_looking_and_waiting_is_not_slept_through(
    kafka_node: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = KafkaWorld(kafka_node.bootstrap_servers, "kafka-python")
    topic = world.new_topic(1)
    reader = Reader(world.log(), topic, commits=False).until_assigned(1)
    assert isinstance(reader.source, KafkaSource)
    consumer: Any = reader.source._consumer
    fetcher = consumer._fetcher
    while not fetcher.in_flight_fetches():
        reader.poll(1)
    sink = world.log().sink()
    rows = Outgoing(topic=topic, keys=[None], values=[b"x"], partitions=[0])
    assert sink.publish(rows).wait(PATIENCE)

    look, ask = fetcher.fetched_records, fetcher._send_fetches_async
    looks: list[str] = []

    def looked_too_early(*arguments: Any, **options: Any) -> Any:
        looks.append("look")
        return ({}, False) if len(looks) == 1 else look(*arguments, **options)

    async def ask_once_answered() -> Any:
        for asked in list(fetcher._fetch_futures):
            await consumer._manager.wait_for(asked, PATIENCE * 1000)
        return await ask()

    slept: list[float] = []
    monkeypatch.setattr(fetcher, "fetched_records", looked_too_early)
    monkeypatch.setattr(fetcher, "_send_fetches_async", ask_once_answered)
    monkeypatch.setattr(group, "time", SimpleNamespace(**{**vars(time), "sleep": slept.append}))
    polled = consumer.poll(timeout_ms=int(PATIENCE * 1000))

    assert [row.value for batch in polled.values() for row in batch] == [b"x"]
    assert slept == []
    monkeypatch.undo()
    reader.source.close()
    sink.close(PATIENCE)
