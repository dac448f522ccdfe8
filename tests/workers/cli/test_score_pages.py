"""`weir score html` and `weir score path` as a person and as a script use them."""

from __future__ import annotations

import gzip
import os
import pty
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.workers.artefacts import BAD_WORD

WEIR = [sys.executable, "-m", "workers.cli", "score"]
PLAIN = b"<html><p>words</p>\r\n</html>\n"
BAD = b"<html>\xff<script>\x1b[2J " + BAD_WORD + b"()</script>\r\n</html>\n"


class Score:
    """The verb with a small model."""

    def __init__(self, detector: str, model: Path) -> None:
        self.command = [*WEIR, detector, "--model", str(model)]

    def __call__(
        self, *arguments: str | Path, given: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*self.command, *arguments],
            input=given,
            capture_output=True,
            check=False,
            timeout=120,
        )


@pytest.fixture
def score(page_model: Path) -> Score:
    return Score("html", page_model)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "bad.htm").write_bytes(BAD)
    (tmp_path / "plain.html").write_bytes(PLAIN)
    (tmp_path / "notes.txt").write_bytes(BAD)
    return tmp_path


def test_files_and_folders_are_answered_for_people(score: Score, folder: Path) -> None:
    ended = score(folder, folder / "notes.txt")

    assert ended.returncode == 0, ended.stderr
    plain, bad, named = ended.stdout.decode().splitlines()
    assert plain.startswith("Score: ")
    assert plain.endswith(f"(Benign)  {folder}/plain.html ({len(PLAIN)} bytes)")
    assert f"(Malicious)  {folder}/deep/bad.htm ({len(BAD)} bytes)  why: bytes " in bad
    assert "keylogger +" in bad
    assert f"{folder}/notes.txt" in named
    assert b"\x1b" not in ended.stdout, "an excerpt cannot drive the terminal"


def test_what_cannot_be_read_or_judged_is_told_in_its_place(score: Score, folder: Path) -> None:
    (folder / "large.html").write_bytes(b"x" * 5_000)
    files = (folder / "large.html", folder / "plain.html")

    ended = score("missing.html", *files, "--max-page-bytes", "4000")

    assert ended.returncode == 1
    missing, large, plain = ended.stdout.decode().splitlines()
    assert missing.startswith("Error: File 'missing.html'")
    assert large.startswith(f"Error: {folder}/large.html: The page has more than 4000 bytes")
    assert "(Benign)" in plain


@pytest.mark.parametrize("arguments", [(), ("--input", "-"), ("--format", "page")], ids=str)
def test_standard_input_is_one_page(score: Score, arguments: tuple[str, ...]) -> None:
    ended = score(*arguments, given=BAD)

    assert ended.returncode == 0, ended.stderr
    verdict = orjson.loads(ended.stdout)
    assert verdict["page"]["bytes"] == len(BAD)
    assert verdict["label"] == "malicious"
    ended = score("-", given=BAD)
    assert b"(Malicious)  standard input" in ended.stdout


def test_events_are_answered_one_a_line(score: Score, folder: Path) -> None:
    events = [
        b'{"id": 1, "html": "<p>"}',
        b'{"id": 2}',
        orjson.dumps({"id": 3, "html": BAD_WORD.decode()}),
    ]
    packed = folder / "pages.jsonl.gz"
    packed.write_bytes(gzip.compress(b"\n".join(events) + b"\n"))

    for ended in (
        score("--input", packed),
        score(given=b"\n".join(events)),
        score("--format", "jsonl", given=b"\n".join(events)),
    ):
        assert ended.returncode == 1
        assert b"1 of 3 lines could not be judged" in ended.stderr
        first, second, third = map(orjson.loads, ended.stdout.splitlines())
        assert (first["event_id"], first["label"]) == (1, "benign")
        assert second["error"]["cause"] == "subject-missing"
        assert (third["event_id"], third["label"]) == (3, "malicious")


def test_a_page_of_a_file_as_json(score: Score, folder: Path) -> None:
    target = folder / "out.jsonl"

    ended = score("--input", folder / "plain.html", "--output", target)

    assert ended.returncode == 0, ended.stderr
    (line,) = target.read_bytes().splitlines()
    assert orjson.loads(line)["page"]["bytes"] == len(PLAIN)


def test_a_page_over_the_limit_on_standard_input(score: Score) -> None:
    ended = score("--max-page-bytes", "10", given=PLAIN)

    assert ended.returncode == 1
    assert orjson.loads(ended.stdout)["error"]["cause"] == "page-too-large"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--input", "x.html"), "x.html: No such file"),
        (("--input", "x", "y.html"), "--input"),
        (("--format", "text"), "--format"),
    ],
    ids=["no such file", "files and an input", "no such format"],
)
def test_mistakes_are_one_line_and_no_traceback(
    score: Score, arguments: tuple[str, ...], says: str
) -> None:
    ended = score(*arguments)

    assert ended.returncode in {1, 2}
    assert says in ended.stderr.decode()
    assert b"Traceback" not in ended.stderr


def test_on_a_terminal_files_are_asked_for(score: Score, folder: Path) -> None:
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        score.command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "400"},
    )
    os.close(theirs)
    _hear(mine, b"File to be analyzed: ")
    os.write(mine, b"missing.html\n")
    assert b"no such file" in _hear(mine, b"File to be analyzed: ")
    os.write(mine, str(folder / "deep" / "bad.htm").encode() + b"\n")
    assert b"Malicious" in _hear(mine, b"File to be analyzed: ")
    os.write(mine, b"\x04")
    assert process.wait(60) == 0
    os.close(mine)


def _hear(descriptor: int, until: bytes) -> bytes:
    heard = b""
    while not heard.endswith(until):
        heard += os.read(descriptor, 4096)
    return heard


def test_paths_are_answered_for_people_and_scripts(path_model: Path) -> None:
    score = Score("path", path_model)
    paths = ("C:\\Users\\ann\\evil.exe", "HKLM\\Software\\Run")

    ended = score(*paths)

    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.decode().splitlines()
    assert [path in line for path, line in zip(paths, lines, strict=True)] == [True, True]
    ended = score(given="\n".join(paths).encode())
    assert [orjson.loads(line)["kind"] for line in ended.stdout.splitlines()] == [
        "file",
        "registry",
    ]
