from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaProducer
from kafka import TopicPartition as KafkaPartition

from schemas.origin import Origin
from tests.broker.node import RunningNode
from tests.workers.accounting import (
    Ground,
    MemorySpans,
    letter_headers,
    verdict_of,
)
from tests.workers.fleet import LONG, Fleet, Reader
from tests.workers.running import INPUT, VERDICTS
from tests.workers.telemetry import distinct
from workers.cli import logs
from workers.cli.main import run
from workers.log.connection import Connection
from workers.log.contract import Outgoing, Records
from workers.log.kafka import KafkaLog
from workers.log.kafka_client import admin
from workers.log.kafka_spans import KafkaSpans
from workers.log.memory_lookup import MemoryLookup

GROUP = "fishweir-url"


class _Opened:
    """A reader of spans as the verb gets it."""

    def __init__(self, spans: MemorySpans) -> None:
        self._spans = spans

    def __enter__(self) -> MemorySpans:
        return self._spans

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> Ground:
    ground = Ground()
    monkeypatch.setattr(logs, "open_lookup", lambda _: MemoryLookup(ground.broker))
    monkeypatch.setattr(logs, "open_spans", lambda _: _Opened(MemorySpans(ground.broker)))
    return ground


def verify(*options: str) -> int:
    return run(["verify", "url", *options])


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(capsys.readouterr().out)
    return found


def test_for_people(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    events = ground.events(2) + ground.events(30, partition=1)
    ground.judged(*events[:2])
    ground.judged(events[0])
    ground.judged(Origin(INPUT, 0, 0, 7))
    ground.commit(2, 30)

    assert verify() == 1

    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == f"{INPUT}, up to what group {GROUP} has committed"
    assert lines[1] == "the same again: --from-offsets 0:0,1:0 --to-offsets 0:2,1:30"
    for told in ("events 32", "verdicts 3", "missing 30", "repeated 1", "unknown 1"):
        assert told in lines
    assert f"missing: {INPUT}[1] offset 19" in lines
    assert f"missing: {INPUT}[1] offset 20" not in lines
    assert "missing: these are the first 20" in lines
    assert f"repeated: {INPUT}[0] offset 0: 1 too many" in lines
    assert any(line.startswith(f"unknown: {VERDICTS}[1] offset 3: names") for line in lines)


def test_what_it_prints_as_its_range_gives_the_same_again(
    ground: Ground, capsys: pytest.CaptureFixture[str]
) -> None:
    ground.judged(*ground.events(3))
    ground.commit(2, 0)
    assert verify() == 0
    again = capsys.readouterr().out.splitlines()[1].partition(": ")[2].split()

    ground.commit(3, 0)

    assert verify(*again, "--json") == 0
    assert document(capsys)["events"] == 2


def test_by_partition(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    ground.judged(*ground.events(3), *ground.events(1, partition=1))

    assert verify("--to", "end", "--by-partition") == 0

    _, _, head, first, second, total, *_ = capsys.readouterr().out.splitlines()
    assert head.split()[:5] == ["partition", "from", "to", "events", "sent"]
    assert first.split() == ["0", "0", "3", "3", "0", "3", "0", "0", "0", "0", "0", "0"]
    assert second.split()[:4] == ["1", "0", "1", "1"]
    assert total.split() == ["all", "4", "0", "4", "0", "0", "0", "0", "0", "0"]


def test_as_json(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = ground.events(2)
    ground.refused(first)
    ground.commit(2, 0)

    assert verify("--json") == 1

    told = document(capsys)
    assert (told["holds"], told["events"], told["dead_letters"], told["missing"]) == (
        False,
        2,
        1,
        1,
    )
    assert told["listed"]["missing"] == [f"{INPUT}[0] offset {second.offset}"]
    assert (
        told["partitions"][0] | {"from": 0, "to": 2, "begin": 0, "end": 2, "committed": 2}
        == (told["partitions"][0])
    )


def test_repetition_fails_only_where_delivery_is_exactly_once(
    ground: Ground, capsys: pytest.CaptureFixture[str]
) -> None:
    (event,) = ground.events(1)
    ground.judged(event, event)

    assert verify("--to", "end") == 0
    assert verify("--to", "end", "--delivery", "exactly-once") == 1
    assert "repeated" in capsys.readouterr().out


def test_what_is_below_the_publish_minimum_is_judged_again(
    ground: Ground, capsys: pytest.CaptureFixture[str]
) -> None:
    ground.event(value=b'{"url": "https://www.python.org/"}')
    ground.event(value=b'{"url": "http://paypal-login.example.tk/secure/"}')

    assert verify("--to", "end", "--publish-from", "suspicious", "--json") == 1

    told = document(capsys)
    assert (told["below_minimum"], told["missing"]) == (1, 1)
    assert told["listed"]["missing"] == [f"{INPUT}[0] offset 1"]


def test_times(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    for seconds in range(3):
        ground.judged(ground.event(timestamp=1_800_000_000_000 + 1000 * seconds))

    begin, end = "2027-01-15T08:00:01Z", "2027-01-15T09:00:02+01:00"
    assert verify("--to", "end", "--from", begin, "--to-time", end, "--json") == 0
    assert document(capsys)["events"] == 1


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--from-offsets", "0:1,x"], 2, "--from-offsets has value 'x'"),
        (["--from-offsets", "0:-1"], 2, "--from-offsets has value '0:-1'"),
        (["--to-offsets", "0:1", "--to-offsets", "0:2"], 2, "names partition 0 twice"),
        (["--to-offsets", "9:1"], 2, "has no partition 9"),
        (["--from", "yesterday"], 2, "--from has value 'yesterday'"),
        ([], 1, f"group '{GROUP}' has committed nothing for topic '{INPUT}'"),
        (["--verdict-topic", "nowhere"], 1, "topic 'nowhere' does not exist"),
    ],
)
def test_mistakes(
    ground: Ground,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    code: int,
    message: str,
) -> None:
    ground.events(1)

    assert verify(*options) == code
    told = capsys.readouterr()
    assert message in told.err
    assert told.out == ""


def test_empty_topics(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify() == 0
    assert "events" in capsys.readouterr().out


@pytest.fixture
def fleet(kafka_node: RunningNode, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(kafka_node.bootstrap_servers, tmp_path)
    yield made
    made.end()


class _OnKafka:
    """The verb on a fleet's topics, and what is put there on purpose."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    def verify(
        self, capsys: pytest.CaptureFixture[str], *options: str
    ) -> tuple[int, dict[str, Any]]:
        code = run(
            [
                *("verify", self.fleet.detector, "--json"),
                *("--bootstrap-servers", self.fleet.bootstrap_servers),
                *("--input-topic", self.fleet.input, "--verdict-topic", self.fleet.verdicts),
                *("--dead-letter-topic", self.fleet.dead),
                *("--group-id", self.fleet.connection.group_id, *options),
            ]
        )
        out = capsys.readouterr().out
        return code, orjson.loads(out) if out else {}

    def publish(self, topic: str, *values: bytes, **columns: Any) -> None:
        sink = KafkaLog(self.fleet.connection).sink()
        keys = [b"%d" % row for row in range(len(values))]
        delivery = sink.publish(Outgoing(topic=topic, keys=keys, values=values, **columns))
        assert delivery.wait(LONG)
        assert not delivery.failures()
        sink.close(LONG)

    def transaction(self, topic: str, *values: bytes) -> KafkaProducer:
        """An open one."""
        producer = KafkaProducer(
            bootstrap_servers=self.fleet.bootstrap_servers,
            transactional_id=f"verify-{self.fleet.suffix}",
            allow_auto_create_topics=False,
        )
        producer.init_transactions()
        producer.begin_transaction()
        for value in values:
            producer.send(topic, value, partition=0)
        producer.flush()
        return producer


@pytest.mark.kafka
def test_a_worker_on_kafka_is_held_to_account(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    kafka = _OnKafka(fleet)
    values = distinct(2_000)
    values[::100] = [b'{"url": 7}'] * 20
    aborted = kafka.transaction(fleet.input, values[1], values[2])
    aborted.abort_transaction()
    aborted.close()
    kafka.publish(fleet.input, *values)
    code, _ = kafka.verify(capsys)
    assert code == 1  # it has committed nothing

    worker = fleet.start()
    seen: list[Records] = []
    with Reader(fleet.bootstrap_servers, fleet.verdicts) as alerts:
        alerts.until(lambda: sum(map(len, seen)) >= 1_980, seen.append)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(LONG) == 0, fleet.journal(0)

    code, told = kafka.verify(capsys)
    assert (code, told["notes"]) == (0, [])
    assert (told["events"], told["verdicts"], told["dead_letters"]) == (2_000, 1_980, 20)
    assert (told["missing"], told["repeated"], told["unknown"]) == (0, 0, 0)

    # Duplicates, strangers, and events behind the group's position that nobody judges.
    first = next(value for records in seen for value in records.values if value)
    origin = Origin(fleet.input, 0, 0, 7)
    kafka.publish(fleet.verdicts, first, verdict_of(origin))
    kafka.publish(fleet.dead, b"", headers=[letter_headers(origin)])
    kafka.publish(fleet.input, *values[:10], partitions=[0] * 10)
    code, told = kafka.verify(capsys)
    assert code == 1
    assert (told["events"], told["missing"], told["repeated"], told["unknown"]) == (2_000, 0, 1, 2)
    assert len(told["listed"]["unknown"]) == 2
    code, told = kafka.verify(capsys, "--to", "end")
    assert (code, told["events"], told["missing"]) == (1, 2_010, 10)


@pytest.mark.kafka
def test_an_open_transaction_is_not_waited_for_without_end(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    kafka = _OnKafka(fleet)
    kafka.publish(fleet.input, b"one", b"two", partitions=[0, 0])
    producer = kafka.transaction(fleet.input, b"three")
    kafka.publish(fleet.input, b"four", partitions=[0])
    try:
        with KafkaSpans(fleet.connection, open_transaction_s=0.5) as spans:
            rows = [
                row for records in spans.read(fleet.input, {0: (1, 4)}) for row in records.values
            ]
        assert rows == [b"two"]
        (unread,) = spans.unread
        assert (unread.partition, unread.begin, unread.end, unread.removed) == (0, 2, 4, False)

        loose = Connection(
            bootstrap_servers=fleet.bootstrap_servers, isolation_level="read_uncommitted"
        )
        with KafkaSpans(loose) as spans:
            rows = [
                row for records in spans.read(fleet.input, {0: (1, 4)}) for row in records.values
            ]
        assert rows == [b"two", b"three", b"four"]

        # The range ends where members of the group cannot read on.
        code, told = kafka.verify(capsys, "--to", "end")
        assert (code, told["events"], told["missing"]) == (1, 2, 2)
    finally:
        producer.abort_transaction()
        producer.close()
    code, told = kafka.verify(capsys, "--to", "end")
    assert (code, told["events"], told["missing"]) == (1, 3, 3)


@pytest.mark.kafka
def test_what_retention_removes_before_it_is_read_is_told(fleet: Fleet) -> None:
    kafka = _OnKafka(fleet)
    kafka.publish(fleet.input, b"one", b"two", b"three", partitions=[1, 1, 1])
    with KafkaSpans(fleet.connection) as spans:
        with admin(fleet.connection) as client:
            client.delete_records({KafkaPartition(fleet.input, 1): 2})
        read = [list(records.offsets) for records in spans.read(fleet.input, {1: (0, 3)})]
        assert read == [[2]]
        (unread,) = spans.unread
        assert (unread.partition, unread.begin, unread.end, unread.removed) == (1, 0, 2, True)

        with admin(fleet.connection) as client:
            client.delete_records({KafkaPartition(fleet.input, 1): 3})
        assert list(spans.read(fleet.input, {1: (1, 3)})) == []
        assert (spans.unread[1].begin, spans.unread[1].end) == (1, 3)
