from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from workers import journal
from workers.settings.policies import JournalPolicy

RFC3339_UTC = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in journal.TALKATIVE:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


def json_lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def configured(stream: io.StringIO, **policy: Any) -> Any:
    journal.configure(JournalPolicy(**policy), stream=stream)
    return structlog.get_logger("workers.test")


def test_json_off_a_terminal() -> None:
    stream = io.StringIO()

    configured(stream).info("ready", partitions=3)

    (line,) = json_lines(stream)
    assert line["event"] == "ready"
    assert line["partitions"] == 3
    assert line["level"] == "info"
    assert line["logger"] == "workers.test"
    assert re.fullmatch(RFC3339_UTC, line["timestamp"])
    assert datetime.fromisoformat(line["timestamp"]).tzinfo == UTC


def test_for_people_on_a_terminal() -> None:
    stream = Terminal()

    configured(stream).info("ready", partitions=3)

    assert "ready" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
    assert "\x1b[" in stream.getvalue()


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()

    configured(stream).info("ready")

    assert "\x1b[" not in stream.getvalue()


@pytest.mark.parametrize(
    ("stream", "form", "is_json"),
    [(Terminal(), "json", True), (io.StringIO(), "console", False)],
    ids=["JSON on a terminal", "console off a terminal"],
)
def test_the_format_asked_for_wins(stream: io.StringIO, form: str, *, is_json: bool) -> None:
    configured(stream, log_format=form).info("ready")

    assert stream.getvalue().startswith("{") == is_json


def test_levels() -> None:
    stream = io.StringIO()
    logger = configured(stream, log_level="warning")

    logger.info("quiet")
    logger.warning("loud")

    assert [line["event"] for line in json_lines(stream)] == ["loud"]


def test_the_standard_library_comes_along() -> None:
    stream = io.StringIO()
    configured(stream)

    logging.getLogger("kafka.client").warning("broker %s is away", 3)
    logging.getLogger("kafka.client").info("connecting")  # of no use to an operator
    logging.getLogger("others").info("something")

    lines = json_lines(stream)
    assert [line["event"] for line in lines] == ["broker 3 is away", "something"]
    assert lines[0]["logger"] == "kafka.client"
    assert re.fullmatch(RFC3339_UTC, lines[0]["timestamp"])


@pytest.mark.parametrize(("level", "told"), [("info", 0), ("debug", 1)])
def test_the_client_may_be_left_out(level: Any, told: int) -> None:
    stream = io.StringIO()
    journal.configure(JournalPolicy(log_level=level), client=False, stream=stream)

    logging.getLogger("kafka.client").error("broker 3 is away")

    assert len(json_lines(stream)) == told


@pytest.mark.parametrize("form", ["json", "console"])
def test_urls_are_defanged(form: str) -> None:
    stream = io.StringIO()

    configured(stream, log_format=form).info(
        "see https://evil.example/a", url="evil.example/b", nested={"of": ["http://c.example"]}
    )

    written = stream.getvalue()
    assert "hxxps://evil[.]example/a" in written
    assert "evil[.]example/b" in written
    assert "hxxp://c[.]example" in written


def test_other_fields_keep_their_dots() -> None:
    stream = io.StringIO()

    configured(stream).info("ready", topic="telemetry.urls", bootstrap_servers="kafka.local:9092")

    (line,) = json_lines(stream)
    assert line["topic"] == "telemetry.urls"
    assert line["bootstrap_servers"] == "kafka.local:9092"


@given(st.text(alphabet=st.characters(), max_size=50))
def test_nothing_logged_drives_a_terminal(text: str) -> None:
    stream = io.StringIO()

    configured(stream, log_format="console").info(text, key=text)

    assert stream.getvalue().removesuffix("\n").isprintable()


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=50))
def test_json_keeps_control_characters_exactly(text: str) -> None:
    stream = io.StringIO()

    configured(stream).info("event", key=text)

    (line,) = json_lines(stream)
    assert journal.defang_urls(None, "info", {"key": text})["key"] == line["key"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_exceptions_are_told_without_their_escapes(form: str) -> None:
    stream = io.StringIO()
    logger = configured(stream, log_format=form)

    logger.error("failed", exc_info=ValueError("bad \x1b[31m at http://evil.example"))

    assert "ValueError: bad" in stream.getvalue()
    assert "evil[.]example" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_what_the_client_warns_of_at_every_start_and_stop_is_left_out() -> None:
    stream = io.StringIO()
    configured(stream)

    client = logging.getLogger("kafka.cluster")
    client.warning("No partition metadata for topic %s", "alerts")
    client.error("Metadata refresh: failed %s", "Cancelled")
    client.error("Metadata refresh: failed %s", "ECONNREFUSED")

    assert [line["event"] for line in json_lines(stream)] == [
        "Metadata refresh: failed ECONNREFUSED"
    ]


def test_what_the_client_repeats_is_logged_once_a_period() -> None:
    stream = io.StringIO()
    configured(stream)

    for node in range(5):
        logging.getLogger("kafka.client").error("broker %s is away", node)
    for _ in range(2):
        logging.getLogger("others").error("not a client")

    assert [line["event"] for line in json_lines(stream)] == [
        "broker 0 is away",
        "not a client",
        "not a client",
    ]


class TestRecurring:
    def test_counts_what_it_holds_back(self) -> None:
        now = [0.0]
        recurring = journal.Recurring(period_s=30, clock=lambda: now[0])

        assert recurring.admit("a") == 0
        assert [recurring.admit("a") for _ in range(4)] == [None] * 4
        assert recurring.admit("b") == 0
        now[0] = 29.9
        assert recurring.admit("a") is None
        now[0] = 30
        assert recurring.admit("a") == 5
        now[0] = 60
        assert recurring.admit("a") == 0

    @given(
        st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20)), max_size=60),
        st.integers(1, 30),
    )
    def test_every_event_is_told_or_counted(
        self, events: list[tuple[str, int]], period: int
    ) -> None:
        now = [0]
        recurring = journal.Recurring(period_s=period, clock=lambda: now[0])
        told = dict.fromkeys("abc", 0)
        last: dict[str, int] = {}

        for key, wait in events:
            now[0] += wait
            held = recurring.admit(key)
            if held is not None:
                assert key not in last or now[0] - last[key] >= period
                last[key] = now[0]
                told[key] += 1 + held
        now[0] += period
        for key in "abc":
            held = recurring.admit(key)
            assert held is not None
            assert told[key] + held == sum(key == k for k, _ in events)

    def test_forgets_the_oldest_of_too_many(self) -> None:
        recurring = journal.Recurring(period_s=30, clock=lambda: 0.0)

        for i in range(5_000):
            assert recurring.admit(i) == 0

        assert recurring.admit(4_999) is None
        assert recurring.admit(0) == 0
