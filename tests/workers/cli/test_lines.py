from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from workers.archives.errors import InputError
from workers.cli.lines import Format, Lines, opened
from workers.errors import ConfigurationError


class Pieces:
    """A pipe that gives what was written piece by piece."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]

    def read1(self, size: int, /) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


def all_of(lines: Lines) -> list[bytes]:
    return [line for batch in lines for line in batch]


@given(st.lists(st.binary(max_size=20).map(lambda b: b.replace(b"x", b"\n"))))
def test_lines_are_the_same_however_they_arrive(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)

    found = all_of(Lines(Pieces(pieces), name="pipe"))

    assert (
        found
        == [line.removesuffix(b"\r") for line in io.BytesIO(whole).read().split(b"\n")][
            : len(found)
        ]
    )
    assert len(found) == whole.count(b"\n") + (not whole.endswith(b"\n") and whole != b"")


def test_a_slow_pipe_is_passed_on_as_it_comes() -> None:
    batches = list(Lines(Pieces([b"a\nb", b"c", b"\n", b"d"]), name="pipe"))

    assert batches == [[b"a"], [b"bc"], [b"d"]]


@pytest.mark.parametrize(
    ("name", "content", "wanted", "expected"),
    [
        ("events.jsonl", b"http://a\n", "auto", True),
        ("events.ndjson.gz", b"http://a\n", "auto", True),
        ("urls.txt", b"{}\n", "auto", False),
        ("urls.txt", b"http://a\n", "jsonl", True),
        ("events.jsonl", b"{}\n", "text", False),
        ("events", b"\n \n{broken\nhttp://a\n", "auto", True),
        ("urls", b"\n \nhttp://a\n{}\n", "auto", False),
        ("nothing", b"", "auto", False),
    ],
    ids=[
        "suffix says JSON",
        "suffix before .gz says JSON",
        "suffix says text",
        "asked for JSON",
        "asked for text",
        "first line that is not blank is JSON",
        "first line that is not blank is text",
        "empty",
    ],
)
def test_the_format_is_decided_once(
    name: str, content: bytes, wanted: Format, *, expected: bool
) -> None:
    lines = Lines(Pieces([content]), name=name)

    assert lines.are_json(wanted) is expected
    assert b"\n".join(all_of(lines)) == content.removesuffix(b"\n")


@pytest.mark.parametrize("suffix", ["", ".gz"], ids=["plain", "gzip"])
def test_a_file_tells_how_far_it_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"urls.txt{suffix}"
    content = b"http://a.example/\n" * 1000
    path.write_bytes(gzip.compress(content) if suffix else content)

    with opened(str(path)) as lines:
        assert lines.position() == 0
        assert len(all_of(lines)) == 1000
        assert lines.position() == lines.size == path.stat().st_size


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b"http://a.example/\n" * 10_000)[:-20],
        zstandard.compress(b"http://a.example/\n" * 10_000)[:-5],
        zstandard.compress(b"http://a.example/\n") + b"more",
    ],
    ids=["gzip cut off", "zstd cut off", "no frame"],
)
def test_a_file_that_cannot_be_unpacked(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "urls.gz"
    path.write_bytes(content)

    with (
        opened(str(path)) as lines,
        pytest.raises(InputError, match=r"Input '.*urls\.gz' broke off"),
    ):
        all_of(lines)


def test_packing_is_told_by_content_and_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "urls.gz"
    path.write_bytes(b"http://a.example/\n")

    with opened(str(path)) as lines:
        assert all_of(lines) == [b"http://a.example/"]


@given(
    st.lists(st.sampled_from([b"a", b"bc" * 9, b"\n", b"\r\n"]), max_size=12),
    st.integers(min_value=0, max_value=20),
)
def test_of_a_line_that_is_too_long_the_start_is_kept(pieces: list[bytes], longest: int) -> None:
    whole = all_of(Lines(Pieces([b"".join(pieces)]), name="pipe"))

    cut = all_of(Lines(Pieces(pieces), name="pipe", longest=longest))

    assert len(cut) == len(whole)
    for line, of in zip(cut, whole, strict=True):
        assert of.startswith(line)
        assert line == of or len(line) > longest or of[longest:].strip(b"\r") == b""


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_file_that_cannot_be_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path if kind == "folder" else tmp_path / "missing"

    with (
        pytest.raises(ConfigurationError, match="give a file that can be read, or - for standard"),
        opened(str(path)),
    ):
        pass
