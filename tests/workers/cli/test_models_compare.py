"""`weir models compare` on the log in memory and on files."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard

from tests.workers.accounting import NOON, Ground, MemorySpans
from tests.workers.comparing.given import judged, origin
from tests.workers.running import VERDICTS
from workers.cli import logs
from workers.cli.main import run
from workers.log.memory_lookup import MemoryLookup

SHADOW = "alerts.shadow"
HOUR_MS = 3_600_000


class _Opened:
    """A reader of spans as the verb gets it."""

    def __init__(self, spans: MemorySpans) -> None:
        self._spans = spans

    def __enter__(self) -> MemorySpans:
        return self._spans

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> MemorySpans:
    """Verdicts of two models on ten events an hour apart, published ten minutes after them."""
    ground = Ground()
    ground.broker.create_topic(SHADOW, 2)
    spans = MemorySpans(ground.broker)
    monkeypatch.setattr(logs, "open_lookup", lambda _: MemoryLookup(ground.broker))
    monkeypatch.setattr(logs, "open_spans", lambda _: _Opened(spans))
    for number in range(10):
        at = NOON + number * HOUR_MS
        for topic, logit, model in ((VERDICTS, 1.0, "1"), (SHADOW, 0.5 * number, "2")):
            where = origin(number, timestamp=at)
            ground.broker.append(
                topic,
                judged(where, logit, by=model),
                partition=number % 2,
                timestamp=at + 600_000,
            )
    return spans


def compare(*options: str | Path) -> int:
    return run(["models", "compare", *map(str, options)])


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(capsys.readouterr().out)
    return found


def test_topics_for_people(spans: MemorySpans, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare("--old", VERDICTS, "--new", SHADOW) == 0

    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert f"old, {VERDICTS} url url@1 1.5000 4.2500 10 {'1' * 12}" in lines
    assert "10 events are on both sides: 3 have the same label, 7 another (70 %)." in lines
    assert "1 are newly malicious, 0 are no longer malicious." in lines
    assert "benign 3 6 1" in lines
    assert (
        "+3.5000 1.0000 benign 4.5000 malicious http://9.example/ telemetry.urls[0] offset 9"
        in lines
    )
    assert "from -1.0000 to +3.5000; bars are logarithmic" in lines


def test_a_range_of_time_bounds_what_is_read(
    spans: MemorySpans, capsys: pytest.CaptureFixture[str]
) -> None:
    # From the sixth event on, to before the ninth.
    begin, end = "2026-09-21T18:13:20Z", "2026-09-21T21:13Z"
    options = ("--from", begin, "--to", end, "--json")

    assert compare("--old", VERDICTS, "--new", SHADOW, *options) == 0

    told = document(capsys)
    assert (told["both"], told["old"]["events"]) == (3, 3)
    read = [sum(end - begin for begin, end in asked.values()) for _, asked in spans.asked]
    assert max(read) < 10, "what is older than the range is not read"


def test_offsets_of_the_events(spans: MemorySpans, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--from-offsets", "0:3", "--to-offsets", "0:7", "--json")

    assert compare("--old", VERDICTS, "--new", SHADOW, *options) == 0

    assert document(capsys)["both"] == 4


@pytest.mark.parametrize("kind", ["jsonl", "gz", "zst", "parquet"])
def test_files_as_weir_score_writes_them(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from workers.archives.parquet_verdicts import convert, packed  # noqa: PLC0415

    error = b'{"error": {"cause": "not-json", "detail": "...", "line": 2}}'
    values = [judged(None, 1.0, event_id=number) for number in range(3)]
    old, new = tmp_path / f"old.{kind}", tmp_path / "new.jsonl"
    if kind == "parquet":
        (tmp_path / "pieces").write_bytes(packed([*values, error]))
        convert(tmp_path / "pieces", old)
    else:
        content = b"\n".join([*values, error, b""])
        packed_as = {"gz": gzip.compress(content), "zst": zstandard.compress(content)}
        old.write_bytes(packed_as.get(kind, content))
    new.write_bytes(b"\n".join(judged(None, 5.0, event_id=number) for number in range(4)))

    assert compare("--old", old, "--new", new, "--json", "--report", tmp_path / "report") == 0

    told = document(capsys)
    assert (told["both"], told["newly_malicious"]["events"]) == (3, 3)
    assert (told["old"]["unjudged"], told["new"]["only"]["malicious"]) == (1, 1)
    assert (tmp_path / "report" / "comparison.md").exists()


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--new", "nowhere"), 1, "topic 'nowhere' does not exist"),
        (("--new", "no/such.jsonl"), 2, "--new has value 'no/such.jsonl': no such file"),
        (("--new", "x.jsonl"), 2, "no such file"),
        (("--new", SHADOW, "--new-model", "2"), 2, "--new-model has value '2': no model"),
        (("--new", SHADOW, "--from", "soon"), 2, "--from has value 'soon'"),
        (("--new", SHADOW, "--from-offsets", "0:9", "--to-offsets", "0:1"), 2, "before it begins"),
        (("--new", SHADOW, "--from-offsets", "7:0"), 1, "No event is on both sides"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_mistakes(
    spans: MemorySpans,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    code: int,
    says: str,
) -> None:
    assert compare("--old", VERDICTS, *options) == code

    out, err = capsys.readouterr()
    assert says in out + err
