"""`weir feed` with pages and paths, on the log in memory."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from schemas.telemetry import DECODERS
from workers.cli.main import run
from workers.log.memory_broker import MemoryBroker

PAGES = {"a.html": b"<p>caf\xc3\xa9</p>", "b.htm": b"<p>caf\xe9</p>", "c.html": b""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in PAGES.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def on(broker: MemoryBroker, topic: str) -> list[bytes]:
    return [
        record.value or b""
        for partition in broker.topic(topic).partitions
        for record in partition.records
    ]


def test_each_file_of_a_folder_becomes_an_event(
    broker: MemoryBroker, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broker.create_topic("telemetry.html")

    assert run(["feed", "html", str(folder)]) == 0

    assert capsys.readouterr().out.startswith("3 of 3 pages on telemetry.html in ")
    values = on(broker, "telemetry.html")
    assert DECODERS["html"](values).subjects == list(PAGES.values())
    assert [Path(orjson.loads(value)["file"]).name for value in values] == list(PAGES)


def test_pages_go_to_any_topic_with_a_field_for_key(broker: MemoryBroker, folder: Path) -> None:
    broker.create_topic("mine")

    assert run(["feed", "mine", str(folder / "a.html"), "--key-field", "file"]) == 0

    (record,) = broker.topic("mine").partitions[0].records
    assert record.key == str(folder / "a.html").encode()


def test_a_page_that_no_record_takes_and_one_that_is_gone_fail_alone(
    broker: MemoryBroker, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broker.create_topic("telemetry.html", max_message_bytes=4_000)
    (folder / "a.html").write_bytes(b"x" * 5_000)
    (folder / "c.html").write_bytes(b"\xff" * 3_500)  # too large in base64
    files = [str(folder / name) for name in PAGES]

    assert run(["feed", "telemetry.html", *files]) == 1

    captured = capsys.readouterr()
    assert captured.out.startswith("1 of 3 pages")
    assert "Error: 1 page not sent: " in captured.err
    assert "a.html: more than the 4000 bytes of a record" in captured.err
    assert "Error: 1 page failed: " in captured.err


@pytest.mark.parametrize("topic", ["path", "telemetry.paths"], ids=["detector", "topic"])
def test_lines_of_paths_are_wrapped_as_paths(
    broker: MemoryBroker, tmp_path: Path, topic: str
) -> None:
    broker.create_topic("telemetry.paths")
    paths = ["C:\\Windows\\notepad.exe", "HKLM\\Software\\Run"]
    file = tmp_path / "paths.txt"
    file.write_text("\n".join(paths))

    assert run(["feed", topic, "--input", str(file)]) == 0

    values = on(broker, "telemetry.paths")
    assert [orjson.loads(value) for value in values] == [{"path": path} for path in paths]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["html"], "either --input"),
        (["html", "--input", "x", "y"], "not both"),
        (["html", "missing.html"], "no such file"),
        (["html", "--input", "-", "--format", "text"], "files of pages as arguments"),
    ],
    ids=["nothing", "both", "missing", "lines for pages"],
)
def test_mistakes(
    broker: MemoryBroker,
    arguments: list[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broker.create_topic("telemetry.html")

    assert run(["feed", *arguments]) == 2

    assert told in capsys.readouterr().err
