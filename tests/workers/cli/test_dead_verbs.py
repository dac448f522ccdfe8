from __future__ import annotations

import base64
import signal
from collections.abc import Collection, Mapping

import orjson
import pytest

from schemas.causes import Cause, Stage
from schemas.origin import Origin
from tests.workers.letters import DEAD, EVENT_TIME, EVENTS, put
from workers.cli import logs
from workers.cli.main import run
from workers.log.contract import TopicPartition
from workers.log.memory_broker import MemoryBroker
from workers.log.memory_lookup import MemoryLookup
from workers.log.memory_topic import StoredRecord

DAY = 86_400_000


@pytest.fixture
def topics(broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch) -> MemoryBroker:
    broker.create_topic(EVENTS, 3)
    broker.create_topic(DEAD, 2)
    monkeypatch.setattr(logs, "open_lookup", lambda _connection: MemoryLookup(broker))
    return broker


def fill(broker: MemoryBroker) -> None:
    put(broker, b"{", timestamp=EVENT_TIME + 1000)
    put(broker, b"[", timestamp=EVENT_TIME + DAY, at=Origin(EVENTS, 2, 9, EVENT_TIME + 500))
    put(broker, b"{}", Cause.SUBJECT_MISSING, partition=1, timestamp=EVENT_TIME + 2000)
    put(
        broker,
        b"x",
        Cause.UNPUBLISHABLE,
        stage=Stage.PUBLISH,
        partition=1,
        timestamp=EVENT_TIME + 2 * DAY,
        at=Origin(EVENTS, 0, 3, -1),
    )
    broker.append(DEAD, b"who put this here?", timestamp=EVENT_TIME)


def listed(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    assert run(["dead", "list", "url", *options]) == 0
    return capsys.readouterr().out.splitlines()


def test_letters_are_counted_by_cause_and_stage(
    topics: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(topics)

    title, heads, *rows = listed(capsys)

    assert title == f"{DEAD}: 4 dead letters; not ours: 1 record"
    assert " ".join(heads.split()) == (
        "cause stage letters first last first event last event newest"
    )
    assert [row.split() for row in rows] == [
        [
            *("not-json", "decode", "2", "2026-11-24T08:30:01.123Z", "2026-11-25T08:30:00.123Z"),
            *("2026-11-24T08:30:00.123Z", "2026-11-24T08:30:00.623Z", "0:1"),
        ],
        [
            *("subject-missing", "decode", "1"),
            *(2 * ["2026-11-24T08:30:02.123Z"] + 2 * ["2026-11-24T08:30:00.123Z"]),
            "1:0",
        ],
        [
            *("unpublishable", "publish", "1"),
            *(2 * ["2026-11-26T08:30:00.123Z"] + 2 * ["none"]),
            "1:1",
        ],
    ]


def test_the_newest_letters_are_shown_one_a_line(
    topics: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(topics)
    put(topics, b"\x1b[2J" + "é".encode() * 100, detail="a\nb", timestamp=EVENT_TIME + 3 * DAY)

    first, second = listed(capsys, "--letters", "2")[-2:]

    assert first == (
        "0:3  2026-11-27T08:30:00.123Z  from telemetry.urls[1] offset 7 of "
        "2026-11-24T08:30:00.123Z  not-json  a\\nb  \\x1b[2J" + "é" * 52 + "…"
    )
    assert second.startswith("1:1  2026-11-26T08:30:00.123Z  from telemetry.urls[0] offset 3 of ")


@pytest.mark.parametrize(
    ("options", "causes"),
    [
        (["--cause", "not-json"], {"not-json": 2}),
        (["--cause", "not-json", "--cause", "unpublishable"], {"not-json": 2, "unpublishable": 1}),
        (["--stage", "publish"], {"unpublishable": 1}),
        (["--from", "2026-11-25T08:30:00.123Z"], {"not-json": 1, "unpublishable": 1}),
        (["--to", "2026-11-24T09:30:02+01:00"], {"not-json": 1}),
    ],
    ids=["cause", "causes", "stage", "from", "to"],
)
def test_filters(
    options: list[str],
    causes: dict[str, int],
    topics: MemoryBroker,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(topics)

    document = orjson.loads("\n".join(listed(capsys, "--json", *options)))

    assert {group["cause"]: group["letters"] for group in document["causes"]} == causes


def test_listing_commits_nothing_and_leaves_the_workers_group_alone(
    topics: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(topics)

    listed(capsys)

    assert all(not topics.committed(group) for group in topics.groups)
    assert all(group.startswith("fishweir-url-dead-") for group in topics.groups)


def test_an_empty_topic(topics: MemoryBroker, capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys) == [f"{DEAD}: 0 dead letters"]


def test_one_letter_with_all_that_is_known(
    topics: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    put(
        topics,
        b"\xff\x1b" + b"v" * 5000,
        Cause.INVALID_UTF8,
        key=b"k\n",
        headers=[("trace", b"\x1b[0m"), ("none", None)],
        timestamp=EVENT_TIME,
        max_bytes=3000,
    )

    assert run(["dead", "show", "url", "0:0"]) == 0

    out = capsys.readouterr().out
    assert "\x1b" not in out
    rows = dict(line.split("  ", 1) for line in out.splitlines() if "  " in line)
    told = {name.strip(): text.strip() for name, text in rows.items()}
    assert told["place"] == f"{DEAD}[0] offset 0"
    assert told["cause"] == "invalid-utf8"
    assert told[""] == Cause.INVALID_UTF8.meaning
    assert told["stage"] == "decode: Reading the telemetry event."
    assert told["origin"] == "telemetry.urls[1] offset 7 of 2026-11-24T08:30:00.123Z"
    assert told["truncated"].startswith("value; the original value had 5002 bytes, SHA-256 ")
    assert told["key"] == "k\\n"
    assert told["header trace"] == "\\x1b[0m"
    assert "\\xff\\x1bvvv" in out


def test_the_bytes_of_a_value(
    topics: MemoryBroker, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    value = bytes(range(256))
    put(topics, value, key=None, headers=[("h", b"\xff")])

    assert run(["dead", "show", "url", "0:0", "--raw"]) == 0
    assert capfdbinary.readouterr().out == value

    assert run(["dead", "show", "url", "0:0", "--json"]) == 0
    document = orjson.loads(capfdbinary.readouterr().out)
    assert base64.b64decode(document["value_base64"]) == value
    assert document["key_base64"] is None
    assert document["headers_base64"][0] == ["h", "/w=="]
    assert document["letter"]["cause"] == "not-json"
    assert document["letter"]["origin"]["offset"] == 7


@pytest.mark.parametrize(
    ("place", "code", "told"),
    [
        ("0:1", 1, f"{DEAD}[0] has offsets 0 to 0"),
        ("1:0", 1, f"{DEAD}[1] is empty"),
        ("2:0", 1, f"topic '{DEAD}' has partitions 0 to 1"),
        ("17", 2, "give two numbers, e.g. 0:17"),
    ],
)
def test_places_where_no_letter_is(
    place: str, code: int, told: str, topics: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    put(topics)

    assert run(["dead", "show", "url", place]) == code

    assert told in capsys.readouterr().err


def test_a_gap_is_no_letter(topics: MemoryBroker, capsys: pytest.CaptureFixture[str]) -> None:
    topics.skip_offsets(TopicPartition(DEAD, 0))

    assert run(["dead", "show", "url", "0:0"]) == 1

    assert "there is no record" in capsys.readouterr().err


def test_what_is_no_letter_is_shown_as_such(
    topics: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    topics.append(DEAD, b"hello", headers=[("weir-cause", b"not-json")])

    assert run(["dead", "show", "url", "0:0"]) == 0

    out = capsys.readouterr().out
    assert "it has not the headers of one" in out
    assert "weir-cause" in out


def events(broker: MemoryBroker) -> list[StoredRecord]:
    return [record for part in broker.topic(EVENTS).partitions for record in part.records]


REDRIVE = ["dead", "redrive", "url", "--rate", "1000000"]


def test_redrive_says_what_it_will_do_and_does_it(
    topics: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(topics)
    put(topics, at=Origin(EVENTS, 3, 1, -1))

    assert run(["dead", "redrive", "url", "--dry-run", "--rate", "0.5"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        f"4 letters of {DEAD} to send back to {EVENTS} at 0.5 a second: 8 s",
        "  not-json: 2",
        "  subject-missing: 1",
        "  unpublishable: 1",
        (
            "Warning: 1 letter cannot be sent back: the origin's partition does not exist any "
            f"more: {DEAD} 0:3"
        ),
    ]
    assert events(topics) == []
    assert topics.transactors == {}

    assert run(REDRIVE) == 1
    captured = capsys.readouterr()
    assert f"4 letters sent back to {EVENTS} in " in captured.out
    assert f"1 refused, which stay in {DEAD}; 1 passed over: not ours" in captured.out
    assert f"{DEAD} 0:3" in captured.err
    assert len(events(topics)) == 4

    assert run(REDRIVE) == 0
    assert capsys.readouterr() == ("", f"0 letters of {DEAD} to send back to {EVENTS}\n")


def test_redrive_of_a_cause_and_up_to_a_time(topics: MemoryBroker) -> None:
    fill(topics)

    assert run([*REDRIVE, "--cause", "not-json", "--to", "2026-11-24T08:31:00Z"]) == 0
    assert [record.value for record in events(topics)] == [b"{"]
    assert run([*REDRIVE, "--cause", "not-json"]) == 0
    assert [record.value for record in events(topics)] == [b"{", b"["]
    assert run(REDRIVE) == 0
    assert sorted(record.value or b"" for record in events(topics)) == [b"[", b"x", b"{", b"{}"]


@pytest.mark.parametrize(("answer", "sent"), [("y\n", 1), ("n\n", 0)], ids=["yes", "no"])
def test_on_a_terminal_it_asks(
    answer: str,
    sent: int,
    topics: MemoryBroker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(topics)
    monkeypatch.setattr("sys.stdin", Terminal(answer))

    assert run(REDRIVE) == 1 - sent

    assert len(events(topics)) == sent
    assert "Send 1 letter back? [y/N]" in "".join(capsys.readouterr())


def test_with_yes_it_does_not_ask(topics: MemoryBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    put(topics)
    monkeypatch.setattr("sys.stdin", Terminal(""))

    assert run([*REDRIVE, "--yes"]) == 0

    assert len(events(topics)) == 1


class Terminal:
    """Standard input that says it is one."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines(keepends=True)

    def isatty(self) -> bool:
        return True

    def readline(self, _size: int = -1) -> str:
        return self._lines.pop(0) if self._lines else ""


def test_a_signal_ends_it_before_the_next_batch(
    topics: MemoryBroker, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        put(topics, b"%d" % number)

    class Lookup(MemoryLookup):
        def committed(
            self, groups: Collection[str], topic: str
        ) -> Mapping[str, Mapping[TopicPartition, int]]:
            if topics.transactors:  # claimed
                signal.raise_signal(signal.SIGINT)
            return super().committed(groups, topic)

    monkeypatch.setattr(logs, "open_lookup", lambda _connection: Lookup(topics))

    assert run([*REDRIVE, "--yes"]) == 130

    assert events(topics) == []
    assert "the same command goes on from here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["list", "url", "--cause", "evil"], "no cause of dead letters; give one of tombstone, "),
        (["list", "url", "--from", "yesterday"], "Option --from has value 'yesterday': no time"),
        (["list", "url", "--to", "999999999w"], "Option --to"),
        (["list", "mail"], "mail"),
        (["redrive", "url", "--rate", "0"], "--rate"),
        (["show", "url", "0:0", "--raw", "--json"], "exclude each other"),
    ],
    ids=["cause", "time", "long ago", "detector", "rate", "both"],
)
def test_options_that_cannot_be_used(
    arguments: list[str], told: str, topics: MemoryBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["dead", *arguments]) == 2

    assert told in capsys.readouterr().err


def test_a_topic_that_is_not_there(
    broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logs, "open_lookup", lambda _connection: MemoryLookup(broker))

    for verb in (["list", "url"], ["show", "url", "0:0"], ["redrive", "url"]):
        assert run(["dead", *verb]) == 1
        assert capsys.readouterr().err == f"Error: topic '{DEAD}' does not exist\n"
