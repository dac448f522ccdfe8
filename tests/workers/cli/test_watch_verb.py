from __future__ import annotations

import io
import os
import signal
from collections.abc import Iterator

import orjson
import pytest

from tests.workers.cli.verdicts import verdict
from workers.cli import logs
from workers.cli.main import run
from workers.cli.watching import Watcher
from workers.errors import LogUnavailableError
from workers.log.contract import Records
from workers.log.memory import MemoryLog, MemorySource
from workers.log.memory_broker import MemoryBroker
from workers.settings.policies import RetryPolicy

BENIGN = verdict("https://www.example.org/")
SUSPICIOUS = verdict("http://odd.example/", "suspicious")
MALICIOUS = verdict("http://paypal.example/login", "malicious", [(7, 13, 2.5), (22, 27, -0.5)])


@pytest.fixture
def alerts(broker: MemoryBroker) -> MemoryBroker:
    broker.create_topic("alerts")
    return broker


WATCH = ["watch", "--from", "beginning"]


def fill(broker: MemoryBroker, *values: bytes | None) -> None:
    for value in values:
        broker.append("alerts", value, key=b"key")


def test_a_line_for_each_until_the_limit(
    alerts: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(alerts, BENIGN, MALICIOUS, SUSPICIOUS)

    assert run([*WATCH, "--limit", "2"]) == 0

    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "Score: 0.0474 (Benign)  https://www.example.org/",
        ("Score: 0.9999 (Malicious)  http://paypal.example/login  why: paypal +2.50, login -0.50"),
    ]
    assert captured.err == ""


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (["malicious"], [MALICIOUS, MALICIOUS]),
        (["suspicious", "malicious"], [SUSPICIOUS, MALICIOUS]),
    ],
    ids=["one label", "two labels"],
)
def test_only_the_labels_asked_for_count(
    labels: list[str],
    shown: list[bytes],
    alerts: MemoryBroker,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    fill(alerts, BENIGN, SUSPICIOUS, BENIGN, MALICIOUS, MALICIOUS)
    options = [part for label in labels for part in ("--label", label)]

    assert run([*WATCH, "--limit", "2", "--json", *options]) == 0

    assert capfdbinary.readouterr().out.splitlines() == shown


def test_json_is_the_bytes_of_the_topic_on_one_line(
    alerts: MemoryBroker, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    indented = orjson.dumps(orjson.loads(MALICIOUS), option=orjson.OPT_INDENT_2)
    exact = BENIGN.replace(b'"version":1', b'"version" : 1', 1)
    fill(alerts, exact, indented)

    assert run([*WATCH, "--limit", "2", "--json"]) == 0

    first, second = capfdbinary.readouterr().out.splitlines()
    assert first == exact
    assert orjson.loads(second) == orjson.loads(MALICIOUS)


def test_what_is_no_verdict_is_a_warning_and_not_the_end(
    alerts: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = orjson.dumps(orjson.loads(BENIGN) | {"version": 2})
    fill(alerts, b"\x1b[31m", None, newer, b'{"version": 1}', BENIGN)

    assert run([*WATCH, "--limit", "1"]) == 0

    captured = capsys.readouterr()
    assert captured.out == "Score: 0.0474 (Benign)  https://www.example.org/\n"
    assert captured.err.splitlines() == [
        "Warning: alerts[0] offset 0: Not a verdict: not JSON at character 0",
        "Warning: alerts[0] offset 1: no value",
        (
            "Warning: alerts[0] offset 2: The verdict has contract version 2; this reader knows "
            "version 1"
        ),
        "Warning: alerts[0] offset 3: Not a verdict: `id` is missing",
    ]


def test_nothing_after_the_limit_is_looked_at(
    alerts: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(alerts, BENIGN, b"nonsense")

    assert run([*WATCH, "--limit", "1"]) == 0

    assert capsys.readouterr().err == ""


def test_nothing_is_committed_and_the_workers_group_is_left_alone(alerts: MemoryBroker) -> None:
    fill(alerts, BENIGN)

    assert run([*WATCH, "--limit", "1"]) == 0

    (group,) = alerts.groups
    assert group.startswith("fishweir-url-watch-")
    assert alerts.committed(group) == {}


def test_two_watches_are_two_groups(alerts: MemoryBroker) -> None:
    fill(alerts, BENIGN)

    for _ in range(2):
        assert run([*WATCH, "--limit", "1"]) == 0

    assert len(alerts.groups) == 2


def test_from_now_on(alerts: MemoryBroker) -> None:
    fill(alerts, BENIGN)
    log = MemoryLog(alerts, auto_offset_reset="latest")
    watcher = Watcher(log, "alerts", retry=RetryPolicy())
    turns = watcher.turns()

    assert next(turns) == []
    assert watcher.ready
    fill(alerts, MALICIOUS)
    assert [seen.value for seen in next(turns)] == [MALICIOUS]

    watcher.stopping.set()
    assert next(turns, None) is None
    watcher.close()


class Source(MemorySource):
    """Of which something happens at every poll."""

    def __init__(self, broker: MemoryBroker, happens: Iterator[None]) -> None:
        super().__init__(broker, "group", "earliest", float("inf"))
        self._happens = happens

    def poll(self, max_records: int, timeout: float) -> Records:
        next(self._happens, None)
        return super().poll(max_records, timeout)


class Log(MemoryLog):
    def __init__(self, broker: MemoryBroker, happens: Iterator[None]) -> None:
        super().__init__(broker)
        self._of = broker, happens

    def source(self) -> Source:
        return Source(*self._of)


def test_a_log_that_is_away_is_waited_for(alerts: MemoryBroker) -> None:
    def away() -> Iterator[None]:
        yield
        for _ in range(3):
            alerts.set_reachable(False)
            yield
        alerts.set_reachable(True)
        fill(alerts, MALICIOUS)
        yield

    fill(alerts, BENIGN)
    watcher = Watcher(Log(alerts, away()), "alerts", retry=RetryPolicy(initial_ms=1, max_ms=1))
    turns = watcher.turns()

    assert [seen.value for seen in next(turns)] == [BENIGN]
    assert [seen.value for seen in next(turns)] == [MALICIOUS]
    watcher.close()


def test_one_who_stops_is_not_kept_waiting_for_a_log_that_is_away(alerts: MemoryBroker) -> None:
    def stopped() -> Iterator[None]:
        alerts.set_reachable(False)
        watcher.stopping.set()
        yield

    watcher = Watcher(Log(alerts, stopped()), "alerts", retry=RetryPolicy(initial_ms=3_600_000))

    assert list(watcher.turns()) == []
    with pytest.raises(LogUnavailableError):
        alerts.check_reachable()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (WATCH, 0),
        ([*WATCH, "--limit", "1"], 0),
        ([*WATCH, "--limit", "2"], 130),
    ],
    ids=["no limit", "limit reached", "limit not reached"],
)
def test_a_signal_ends_it(
    number: signal.Signals,
    command: list[str],
    code: int,
    alerts: MemoryBroker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def signalled() -> Iterator[None]:
        signal.raise_signal(number)
        yield

    fill(alerts, BENIGN)
    monkeypatch.setattr(logs, "open_log", lambda _connection: Log(alerts, signalled()))
    before = signal.getsignal(number)

    assert run(command) == code
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("values", [[BENIGN], []], ids=["while writing", "while idle"])
def test_a_reader_who_has_seen_enough_ends_it(
    values: list[bytes],
    alerts: MemoryBroker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(alerts, *values)
    reading, writing = os.pipe()
    os.close(reading)
    with io.TextIOWrapper(io.FileIO(writing, "w"), encoding="utf-8") as pipe:
        monkeypatch.setattr("sys.stdout", pipe)

        assert run([*WATCH, "--limit", "2"]) == 0

        monkeypatch.undo()
    assert capsys.readouterr().err == ""


def test_on_a_terminal_the_evidence_is_underlined(
    alerts: MemoryBroker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(alerts, MALICIOUS)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)

    assert run([*WATCH, "--limit", "1"]) == 0

    assert "\x1b[4;31mpaypal\x1b[0m" in capsys.readouterr().out


def test_a_topic_that_is_not_there(
    broker: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["watch", "--verdict-topic", "alarms"]) == 1

    assert capsys.readouterr() == ("", "Error: topic 'alarms' does not exist\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--label", "evil"], "'benign', 'suspicious', 'malicious'"),
        (["--limit", "0"], "--limit"),
        (["--from", "yesterday"], "'beginning', 'now'"),
        (["--verdict-topic", "a b"], "'verdict_topic' has value 'a b' from --verdict-topic"),
    ],
    ids=["label", "limit", "start", "topic"],
)
def test_options_that_cannot_be_used(
    arguments: list[str], told: str, alerts: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["watch", *arguments]) == 2

    assert told in capsys.readouterr().err
