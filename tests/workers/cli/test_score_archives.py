"""`weir score` on archives: files, folders, packings, processes, and runs that were killed."""

from __future__ import annotations

import gzip
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from workers.archives.writing import PARTIAL, RESUME
from workers.cli.main import run

WEIR = [sys.executable, "-m", "workers.cli", "score"]
_PATIENCE_S = 120.0


@pytest.fixture
def score(path_model: Path) -> Any:
    """The verb with a small model."""

    def score(*options: str | Path) -> int:
        return run(["score", "path", "--model", str(path_model), *map(str, options)])

    return score


def paths(count: int, start: int = 0) -> list[str]:
    return [f"C:\\Users\\user{number}\\file{number}.exe" for number in range(start, start + count)]


def lines_of(path: Path) -> list[dict[str, Any]]:
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    if path.suffix == ".zst":
        raw = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True).read()
    return [orjson.loads(line) for line in raw.splitlines()]


def untimed(raw: bytes) -> bytes:
    return re.sub(rb'"scored_at":"[^"]*"', b"", raw)


def test_files_of_every_kind_in_order(
    score: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = paths(40)
    (tmp_path / "a.txt").write_text("\n".join(texts[:10]))
    events = b"".join(orjson.dumps({"path": text}) + b"\n" for text in texts[10:20])
    (tmp_path / "b").write_bytes(gzip.compress(events + b"broken\n"))
    pq.write_table(pa.table({"where": texts[20:30]}), tmp_path / "c.parquet")
    (tmp_path / "d.list.zst").write_bytes(zstandard.compress("\n".join(texts[30:]).encode()))
    inputs = [("--input", tmp_path / name) for name in ("a.txt", "b", "c.parquet", "d.list.zst")]

    for target in ("v.jsonl", "v.jsonl.gz", "v.jsonl.zst", "v.parquet"):
        options = [option for pair in inputs for option in pair]
        assert score(*options, "--output", tmp_path / target, "--column", "where") == 1
        assert "1 of 41 lines could not be judged" in capsys.readouterr().err

    for target in ("v.jsonl", "v.jsonl.gz", "v.jsonl.zst"):
        answers = lines_of(tmp_path / target)
        error = answers.pop(20)["error"]
        assert (error["cause"], error["line"]) == ("not-json", 11)
        assert error["input"] == str(tmp_path / "b")
        assert [answer["subject"] for answer in answers] == texts
    table = pq.read_table(tmp_path / "v.parquet")
    assert [text for text in table["subject"].to_pylist() if text is not None] == texts
    assert table["error"].to_pylist()[20]["line"] == 11


def test_a_folder(score: Any, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "b.txt").write_text("\n".join(paths(2, 2)))
    (folder / "a.jsonl").write_bytes(b"".join(b'{"path": "C:/%d"}\n' % n for n in range(2)))
    (folder / "deep" / "c.txt.gz").write_bytes(gzip.compress("\n".join(paths(2, 4)).encode()))
    (folder / "notes.md").write_text("not scored")

    assert score("--input", folder, "--output", tmp_path / "v.jsonl") == 0

    subjects = [answer["subject"] for answer in lines_of(tmp_path / "v.jsonl")]
    assert subjects == ["C:/0", "C:/1", *paths(4, 2)]


def test_a_line_that_is_too_long_costs_itself_alone(score: Any, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_bytes(b"C:/a\n" + b"x" * 3_000_000 + b"\nC:/b\n")

    assert score("--input", source, "--output", tmp_path / "v.jsonl") == 1

    first, second, third = lines_of(tmp_path / "v.jsonl")
    assert (first["subject"], third["subject"]) == ("C:/a", "C:/b")
    assert second["error"] == {
        "cause": "oversized",
        "detail": "The line has more than 1048576 bytes, which are the most taken",
        "line": 2,
    }


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--resume", "--output", "-"), 2, "cannot be given with standard output for --output"),
        (("--resume", "--output", "/dev/null"), 2, "which is no file for --output"),
        (("--input", "-", "--output", "v"), 2, "a pipe is an input of its own"),
        (("--input", "none.txt", "--output", "v"), 2, "none.txt: No such file"),
        (("--output", "no/such/v"), 2, "--output has value 'no/such/v'"),
        (("--processes", "0"), 2, "--processes"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes(
    score: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    code: int,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.txt").write_text("C:/a\n")

    assert score("--input", "in.txt", *options) == code

    assert says in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["in.txt"]


def test_an_input_that_breaks_off_keeps_what_was_before(
    score: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "in.txt.gz", tmp_path / "v.jsonl"
    whole = gzip.compress("\n".join(paths(40_000)).encode())
    source.write_bytes(whole[: len(whole) // 2])

    assert score("--input", source, "--output", target) == 1
    assert "broke off" in capsys.readouterr().err
    assert not target.exists()

    source.write_bytes(whole)
    assert score("--input", source, "--output", target, "--resume") == 0
    assert "going on after" in capsys.readouterr().err
    assert [answer["subject"] for answer in lines_of(target)] == paths(40_000)


def test_killed_it_goes_on_and_the_output_is_that_of_a_run_that_was_not(
    score: Any, path_model: Path, tmp_path: Path
) -> None:
    source = tmp_path / "in.txt"
    source.write_text("\n".join(paths(20_000)))
    unbroken, target = tmp_path / "unbroken.jsonl", tmp_path / "v.jsonl"
    options = ("--input", source, "--output", target, "--model", path_model)
    assert score("--input", source, "--output", unbroken) == 0

    note = tmp_path / (target.name + RESUME)
    process = subprocess.Popen([*WEIR, "path", *options, "--processes", "2"])
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while not note.exists():
            assert process.poll() is None, "it was done before it could be killed"
            assert time.monotonic() < deadline, "it writes no note"
            time.sleep(0.005)
        children = _children(process.pid)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert not target.exists()
    answered = orjson.loads(note.read_bytes())["scored"]
    assert 0 < answered < 20_000
    assert len(children) >= 2
    while any(Path("/proc", str(child)).exists() for child in children):
        assert time.monotonic() < deadline, "processes outlive their parent"
        time.sleep(0.05)

    ended = subprocess.run(
        [*WEIR, "path", *options, "--processes", "2", "--resume"], capture_output=True, check=False
    )

    assert ended.returncode == 0, ended.stderr
    assert f"going on after {answered:,}".encode() in ended.stderr
    assert untimed(target.read_bytes()) == untimed(unbroken.read_bytes())
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"in.txt", "unbroken.jsonl", "v.jsonl"}
    assert not (tmp_path / (target.name + PARTIAL)).exists()


def _children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(stat.parent.name))
    return found


def test_pages_of_a_folder_and_of_parquet(page_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "b.html").write_bytes(b"<p>plain</p>")
    pq.write_table(pa.table({"html": ["<p>one</p>", None], "id": [1, 2]}), folder / "a.parquet")
    options = ("--model", str(page_model), "--input", str(folder))

    assert run(["score", "html", *options, "--output", str(tmp_path / "v.jsonl")]) == 1

    first, second, third = lines_of(tmp_path / "v.jsonl")
    assert (first["event_id"], first["page"]["bytes"]) == (1, 10)
    assert second["error"]["cause"] == "subject-missing"
    assert third["event"] == {"file": str(folder / "b.html")}
