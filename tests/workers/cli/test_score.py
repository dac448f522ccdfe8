"""`weir score` as a person and as a script use it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

WEIR = [sys.executable, "-m", "workers.cli"]


def weir(*arguments: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*WEIR, *arguments], input=given, capture_output=True, check=False, timeout=120
    )


def test_texts_of_the_command_line_are_answered_for_people() -> None:
    ended = weir(
        "score", "url", "https://www.blackhat.com", "http://paypal-login.example.tk/secure/"
    )
    assert ended.returncode == 0, ended.stderr
    first, second = ended.stdout.decode().splitlines()
    assert first.startswith("Score: 0.")
    assert first.endswith("(Benign)  https://www.blackhat.com")
    assert "(Malicious)" in second
    assert "why: " in second


def test_what_is_printed_cannot_drive_the_terminal() -> None:
    ended = weir("score", "url", "http://a.example/\x1b[2J\u202etxt.exe")
    assert b"\x1b" not in ended.stdout
    assert "\u202e" not in ended.stdout.decode()


def test_a_pipe_gives_one_object_a_line_in_order() -> None:
    ended = weir("score", "url", given=b"http://a.example/\nhttp://b.example/\n")
    assert ended.returncode == 0, ended.stderr
    assert [orjson.loads(line)["subject"] for line in ended.stdout.splitlines()] == [
        "http://a.example/",
        "http://b.example/",
    ]


def test_a_bad_line_has_its_error_in_its_place_and_the_exit_code_tells(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_bytes(b'{"url": "http://a.example/"}\n{"url": 7}\n{"url": "http://b.example/"}\n')
    scored = tmp_path / "scored.jsonl"
    ended = weir("score", "url", "--input", events, "--output", scored)
    assert ended.returncode == 1
    assert b"1 of 3 lines could not be judged" in ended.stderr
    first, second, third = map(orjson.loads, scored.read_bytes().splitlines())
    assert "logit" in first
    assert second["error"]["cause"] == "not-a-string"
    assert "logit" in third


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--input", "no-such-file"), "no-such-file"),
        (("--input", "x", "http://a.example/"), "--input"),
        (("--engine", "abacus", "http://a.example/"), "abacus"),
        (("--model", "/", "http://a.example/"), "manifest.json"),
        (("--output", "/no/such/folder/out", "--input", "-"), "/no/such/folder/out"),
    ],
    ids=["no such file", "texts and a file", "no such engine", "no model", "no such folder"],
)
def test_mistakes_are_one_line_and_no_traceback(arguments: tuple[str, ...], says: str) -> None:
    ended = weir("score", "url", *arguments)
    assert ended.returncode in {1, 2}
    assert says in ended.stderr.decode()
    assert b"Traceback" not in ended.stderr


def test_it_needs_neither_tensorflow_nor_kafka() -> None:
    program = (
        "import sys; from workers.cli.main import run; "
        "code = run(['score', 'url', 'http://a.example/']); "
        "heavy = {'tensorflow', 'keras', 'kafka'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_on_a_terminal_it_is_a_conversation() -> None:
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [*WEIR, "score", "url"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "200"},
    )
    os.close(theirs)
    heard = _hear(mine, b"Text to be analyzed: ")
    os.write(mine, b"http://paypal-login.example.tk/secure/\n")
    heard = _hear(mine, b"Text to be analyzed: ")
    assert b"Malicious" in heard
    assert b"\x1b[4" in heard, "evidence is underlined"
    os.write(mine, b"\x04")
    assert process.wait(60) == 0
    os.close(mine)


def _hear(descriptor: int, until: bytes) -> bytes:
    heard = b""
    while not heard.endswith(until):
        heard += os.read(descriptor, 4096)
    return heard


def test_the_keras_engine_says_the_same_and_nothing_else() -> None:
    texts = ("https://www.blackhat.com", "http://paypal-login.example.tk/secure/")
    on_keras = weir("score", "url", "--engine", "keras", *texts)
    assert on_keras.returncode == 0
    # TensorFlow greets on standard error, which is where logs go.
    assert on_keras.stderr == b""
    on_tables = weir("score", "url", "--engine", "tables", *texts)
    assert on_keras.stdout == on_tables.stdout
