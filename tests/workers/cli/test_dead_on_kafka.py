"""Dead letters on a real broker: refused again, judged after a fix; a redrive that is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest

from schemas import dead_letter
from schemas.causes import Cause, Stage
from schemas.dead_letter import DeadLetters
from schemas.dead_letter_reader import told
from schemas.origin import Origin, Origins
from tests.broker.node import RunningNode
from tests.workers.fleet import LONG, PARTITIONS, Fleet, Reader
from workers.cli.main import run
from workers.log.contract import Outgoing, Records
from workers.log.kafka import KafkaLog

pytestmark = pytest.mark.kafka

PAGE = b'{"html": "<p>%s"}' % (b"x" * 500)


@pytest.fixture
def fleet(kafka_node: RunningNode, tmp_path: Path, page_model: Path) -> Iterator[Fleet]:
    made = Fleet(kafka_node.bootstrap_servers, tmp_path, "html", ["--model", str(page_model)])
    yield made
    made.end()


def dead(fleet: Fleet, verb: str, *arguments: str) -> list[str]:
    return [
        *("dead", verb, "html", *arguments),
        *("--bootstrap-servers", fleet.bootstrap_servers),
        *("--input-topic", fleet.input, "--dead-letter-topic", fleet.dead),
        *("--group-id", fleet.connection.group_id),
    ]


def publish(fleet: Fleet, outgoing: Outgoing) -> None:
    sink = KafkaLog(fleet.connection).sink()
    delivery = sink.publish(outgoing)
    assert delivery.wait(LONG)
    assert not delivery.failures()
    sink.close(LONG)


class Letters:
    """Causes and first origins, as they come."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Origin | None]] = []

    def take(self, records: Records) -> None:
        for headers in records.headers:
            known = told(headers)
            assert known is not None
            self.seen.append((known.cause, known.origin))

    def at_least(self, count: int) -> Callable[[], bool]:
        return lambda: len(self.seen) >= count


def test_letters_keep_their_first_origin_and_are_judged_after_a_fix(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(fleet, Outgoing(topic=fleet.input, keys=[b"a", b"b"], values=[b"{", PAGE]))
    strict = fleet.start("--max-page-bytes", "100")
    letters = Letters()
    verdicts: list[Records] = []
    with (
        Reader(fleet.bootstrap_servers, fleet.dead) as on_dead,
        Reader(fleet.bootstrap_servers, fleet.verdicts) as on_alerts,
    ):
        on_dead.until(letters.at_least(2), letters.take)

        assert run(dead(fleet, "list", "--json")) == 0
        document = orjson.loads(capsys.readouterr().out)
        causes = {group["cause"]: group["letters"] for group in document["causes"]}
        assert causes == {"not-json": 1, "page-too-large": 1}
        newest = document["causes"][0]["newest"]
        place = f"{newest['partition']}:{newest['offset']}"
        assert run(dead(fleet, "show", place, "--raw")) == 0
        assert capsys.readouterr().out == "{"

        assert run(dead(fleet, "redrive")) == 0
        on_dead.until(letters.at_least(4), letters.take)
        assert Counter(letters.seen[2:]) == Counter(letters.seen[:2])

        strict.send_signal(signal.SIGTERM)
        assert strict.wait(LONG) == 0, fleet.journal(0)
        fleet.start()
        assert run(dead(fleet, "redrive", "--cause", "page-too-large")) == 0
        assert run(dead(fleet, "redrive")) == 0

        on_dead.until(letters.at_least(5), letters.take)
        on_alerts.until(lambda: any(len(some) for some in verdicts), verdicts.append)

    first = dict(letters.seen[:2])
    assert letters.seen[4:] == [("not-json", first["not-json"])]
    (value,) = [value for some in verdicts for value in some.values]
    source = orjson.loads(value or b"")["source"]
    assert Origin(**source) == first["page-too-large"]


COUNT = 60


def test_a_redrive_that_is_killed_goes_on_and_sends_none_twice(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = dead_letter.encode(
        DeadLetters(
            origins=Origins(
                topics=[fleet.input] * COUNT,
                partitions=np.arange(COUNT, dtype=np.int32) % PARTITIONS,
                offsets=np.arange(COUNT),
                timestamps=np.full(COUNT, -1),
            ),
            keys=[None] * COUNT,
            values=[b"%d" % number for number in range(COUNT)],
            headers=[()] * COUNT,
            causes=[(Cause.NOT_JSON, Cause.EMPTY)[number % 2] for number in range(COUNT)],
            details=[""] * COUNT,
            stage=Stage.DECODE,
        )
    )
    publish(
        fleet,
        Outgoing(
            topic=fleet.dead, keys=columns.keys, values=columns.values, headers=columns.headers
        ),
    )
    sent: Counter[bytes | None] = Counter()
    partitions: dict[bytes | None, int] = {}

    def take(records: Records) -> None:
        sent.update(records.values)
        partitions.update(zip(records.values, records.partitions.tolist(), strict=True))

    slow = subprocess.Popen(
        [sys.executable, "-m", "workers.cli", *dead(fleet, "redrive", "--rate", "10")],
        stderr=subprocess.PIPE,
    )
    with Reader(fleet.bootstrap_servers, fleet.input) as events:
        events.until(lambda: sent.total() >= 10, take)
        slow.kill()
        _, told_by_slow = slow.communicate(timeout=LONG)
        before = sent.total()
        assert before < COUNT, told_by_slow

        assert run(dead(fleet, "redrive", "--cause", "empty", "--rate", "10000")) == 0
        assert run(dead(fleet, "redrive", "--rate", "10000")) == 0
        assert run(dead(fleet, "redrive")) == 0
        assert "0 letters of" in capsys.readouterr().err.splitlines()[-1]
        events.until(lambda: sent.total() >= COUNT, take)
        events.source.poll(100, 1.0)

    assert sent == {b"%d" % number: 1 for number in range(COUNT)}
    assert partitions == {b"%d" % number: number % PARTITIONS for number in range(COUNT)}
