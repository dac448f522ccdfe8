from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest

from tests.workers.accounting import MemorySpans
from tests.workers.replay.ground import DEAD, RUN, VERDICTS, place
from tests.workers.running import GROUP, INPUT, World
from tests.workers.telemetry import distinct
from workers.cli import logs
from workers.cli.main import run
from workers.log.connection import Connection
from workers.log.contract import TopicPartition
from workers.log.memory import MemoryLog
from workers.log.memory_bookmarks import MemoryBookmarks
from workers.log.memory_lookup import MemoryLookup

QUICK = ("--commit-interval-ms", "10", "--max-delay-ms", "5", "--log-format", "json")


class _Opened:
    """A reader of spans as the verb gets it."""

    def __init__(self, spans: MemorySpans) -> None:
        self._spans = spans

    def __enter__(self) -> MemorySpans:
        return self._spans

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """60 events in two partitions, and no replay of them."""
    world = World()
    for topic in (VERDICTS, DEAD):
        world.broker.create_topic(topic, 2)

    def open_log(
        connection: Connection, notes: Mapping[TopicPartition, str] | None = None
    ) -> MemoryLog:
        return MemoryLog(
            world.broker,
            connection.group_id,
            auto_offset_reset=connection.auto_offset_reset,
            notes=notes,
        )

    monkeypatch.setattr(logs, "open_log", open_log)
    monkeypatch.setattr(logs, "open_lookup", lambda _: MemoryLookup(world.broker))
    monkeypatch.setattr(logs, "open_bookmarks", lambda _: MemoryBookmarks(world.broker))
    monkeypatch.setattr(logs, "open_spans", lambda _: _Opened(MemorySpans(world.broker)))
    for number, value in enumerate(distinct(60)):
        world.broker.append(
            INPUT, value, partition=number % 2, timestamp=1_790_000_000_000 + number // 2 * 60_000
        )
    return world


def replay(*options: str) -> int:
    return run(["replay", "url", "--run", RUN, *QUICK, *options])


def send(number: signal.Signals) -> None:
    """Signal the verb, which has a handler while it works; without one it would end us."""
    assert callable(signal.getsignal(number))
    signal.raise_signal(number)


def test_a_run_and_what_is_told_of_it(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.feed([b"nonsense"])
    assert replay() == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == f"run {RUN} is at its end: 61 offsets of {INPUT}"
    assert lines[1].startswith("  by this replica: 61 events in ")
    assert lines[2].startswith("  verdicts: 60 (")
    assert lines[3] == "  dead letters: 1 (not-json 1)"
    assert lines[-1] == (
        f"to account for every event: weir verify url --group-id weir-replay-{RUN} --input-topic "
        f"{INPUT} --verdict-topic {VERDICTS} --dead-letter-topic {DEAD} "
        "--from-offsets 0:0,1:0 --to-offsets 0:31,1:30"
    )
    told = [orjson.loads(line) for line in err.splitlines()]
    (planned,) = [line for line in told if line["event"] == "replay planned"]
    assert (planned["offsets"], planned["verdict_topic"]) == (61, VERDICTS)
    assert [line["left"] for line in told if line["event"] == "replaying"][-1] == 0
    assert len(world.records(VERDICTS)) == 60
    assert not world.records(world.dead)

    assert replay() == 0
    assert capsys.readouterr().out.startswith(f"run {RUN} is at its end already: 61 offsets")
    assert len(world.records(VERDICTS)) == 60


def test_the_command_that_it_tells_holds_the_run_to_account(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay("--partitions", "1", "--from-offsets", "1:10") == 0
    told = capsys.readouterr().out.splitlines()[-1].partition("weir ")[2]
    assert run([*told.split(), "--json"]) == 0
    account = orjson.loads(capsys.readouterr().out)
    assert (account["events"], account["verdicts"], account["missing"]) == (20, 20, 0)
    assert len(world.records(VERDICTS)) == 20


def test_a_range_of_time_to_the_minute(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    # The first event is of 13:33:20 UTC.
    options = ("--from", "2026-09-21T14:14Z", "--to", "2026-09-21T14:18:00Z", "--json")
    assert replay(*options) == 0
    document: dict[str, Any] = orjson.loads(capsys.readouterr().out)
    spans = [(one["from"], one["to"]) for one in document["partitions"]]
    assert spans == [(1, 5), (1, 5)]
    assert (document["offsets"], document["complete"], document["left"]) == (8, True, 0)
    assert document["replica"]["verdicts"] == 8
    assert world.broker.committed(f"weir-replay-{RUN}") == {place(0): 5, place(1): 5}


def test_a_dry_run_tells_how_many_and_how_long_and_writes_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay("--dry-run", "--rate", "30", "--from-offsets", "0:3", "--partitions", "0,1") == 0
    told = capsys.readouterr().err
    assert f"run {RUN}: 57 offsets of {INPUT} in 2 partitions, as of 2" in told
    assert f"to {VERDICTS}; what cannot be judged, to {DEAD}" in told
    assert "at 30 a second, by one replica: 2 s" in told
    assert replay("--dry-run") == 0
    assert "one replica here scores " in capsys.readouterr().err
    assert not world.records(VERDICTS)
    assert not world.broker.committed(f"weir-replay-{RUN}")


def test_a_stopped_run_says_how_to_go_on(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    def stop_once_something_is_out() -> None:
        world.wait_for(lambda: len(world.records(VERDICTS)) > 5)
        send(signal.SIGTERM)

    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(stop_once_something_is_out)
        assert replay("--rate", "10") == 130
        stopped.result()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"run {RUN} was stopped at ")
    assert lines[-1] == "The same command goes on from here."

    # A rate is no term of a run.
    assert replay() == 0
    out, err = capsys.readouterr()
    assert "may be there twice" in out
    done = next(
        line["done"] for line in map(orjson.loads, err.splitlines()) if "planned" in line["event"]
    )
    assert 0 < done < 60
    assert len(world.records(VERDICTS)) == 60


def test_a_pause_holds_everything_until_it_is_over(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def pause_and_go_on() -> int:
        world.wait_for(lambda: len(world.records(VERDICTS)) > 5)
        send(signal.SIGUSR1)
        group = world.broker.groups[f"weir-replay-{RUN}"]
        # What is in hand comes out still; then nothing does, and the member stays.
        before = -1
        while before != len(world.records(VERDICTS)):
            before = len(world.records(VERDICTS))
            threading.Event().wait(1.0)
        assert not group.empty
        send(signal.SIGUSR2)
        return before

    with ThreadPoolExecutor(1) as pool:
        paused = pool.submit(pause_and_go_on)
        assert replay("--rate", "10") == 0
        assert 5 < paused.result() < 60
    assert len(world.records(VERDICTS)) == 60
    assert "replay paused; SIGUSR2 goes on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--verdict-topic", "alerts"), "the live verdict topic"),
        (("--verdict-topic", f"{INPUT}.dead"), "the live dead-letter topic"),
        (("--dead-letter-topic", f"{INPUT}.dead"), "the live dead-letter topic"),
        (("--dead-letter-topic", "alerts"), "the live verdict topic"),
        (("--verdict-topic", INPUT), "give different topics"),
        (("--from", "yesterday"), "Option --from has value 'yesterday': no time"),
        (("--from", "1h", "--to", "2h"), "Option --to has value '2h': before --from"),
        (("--partitions", "0-2"), "Option --partitions has value '0-2': no number"),
        (("--partitions", "0,9"), "has no partition 9"),
        (("--to-offsets", "1"), "Option --to-offsets has value '1'"),
        (("--run", "a b"), "Option --run has value 'a b'"),
    ],
)
def test_what_is_refused_before_anything_is_written(
    world: World, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], told: str
) -> None:
    assert replay(*options) == 2
    assert told in capsys.readouterr().err
    assert not world.broker.committed(f"weir-replay-{RUN}")


def test_what_the_environment_names_are_the_live_topics(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIR_VERDICT_TOPIC", "alerts.prod")
    monkeypatch.setenv("WEIR_GROUP_ID", GROUP)
    assert replay("--verdict-topic", "alerts.prod") == 2
    assert "'alerts.prod': that is the live verdict topic" in capsys.readouterr().err
    assert replay() == 0
    assert len(world.records(VERDICTS)) == 60
    assert not world.committed()


def test_a_run_begun_otherwise_is_refused(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay("--from", "7d") == 0
    assert replay("--from", "6d") == 2
    assert "was begun with the range --from 7d, and is now told --from 6d" in (
        capsys.readouterr().err
    )
    assert replay("--from", "7d") == 0
    assert len(world.records(VERDICTS)) == 0


def test_a_missing_topic_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay("--verdict-topic", "elsewhere") == 1
    assert "topic 'elsewhere' does not exist" in capsys.readouterr().err
    assert not world.broker.committed(f"weir-replay-{RUN}")
