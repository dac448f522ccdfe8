"""A run that was cut off anywhere goes on, and its output is that of one that was not."""

from __future__ import annotations

import gzip
import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from workers.archives.answering import Answered
from workers.archives.errors import ResumeError
from workers.archives.inputs import find
from workers.archives.packing import Output, output_of, packer
from workers.archives.pieces import Mark, Piece
from workers.archives.reading import Reading
from workers.archives.scoring import score_here
from workers.archives.writing import PARTIAL, RESUME, FileWriter
from workers.errors import ConfigurationError

SETTINGS = {"model": "d" * 64}


class CutOffError(Exception):
    """The run ends here."""


@pytest.fixture
def inputs(tmp_path: Path) -> list[Path]:
    """Thirty texts in four files, each of another kind."""
    texts = [b"http://%02d.example/" % number for number in range(30)]
    plain, packed = tmp_path / "a.txt", tmp_path / "b.jsonl"
    plain.write_bytes(b"\n".join(texts[:9]))
    lines = [orjson.dumps({"url": text.decode()}) + b"\n" for text in texts[9:16]]
    packed.write_bytes(gzip.compress(b"".join(lines)))
    rows = tmp_path / "c.parquet"
    urls = [text.decode() for text in texts[16:25]]
    pq.write_table(pa.table({"url": urls}), rows, row_group_size=4)
    last = tmp_path / "d"
    last.write_bytes(zstandard.compress(b"\n".join(texts[25:])))
    return [plain, packed, rows, last]


class Echo:
    """Scores nothing: says what came; breaks off after so many pieces."""

    def __init__(self, output: Output, most: int | None) -> None:
        self._pack = packer(output)
        self._left = itertools.count() if most is None else iter(range(most))

    def __call__(self, piece: Piece) -> Answered:
        if next(self._left, None) is None:
            raise CutOffError
        lines = piece.split()
        answers = [
            orjson.dumps({"subject": line.decode(), "subject_length": piece.first + number})
            for number, line in enumerate(lines)
        ]
        return Answered(data=self._pack(answers), scored=len(lines), refused=1)


def run(
    names: Sequence[Path], target: Path, *, most: int | None = None, resume: bool = False
) -> FileWriter:
    """A run of small pieces that notes after each how far it is."""
    inputs = find([str(name) for name in names], pages=False)
    reading = Reading(
        inputs=inputs,
        field="url",
        form="auto",
        column="url",
        longest=1_000,
        largest=1_000,
        block_bytes=50,
    )
    output = output_of(str(target))
    ticks = itertools.count(0, 60)
    with FileWriter(
        target, output, SETTINGS, inputs, resume=resume, clock=lambda: next(ticks)
    ) as writer:
        if not writer.finished:
            pieces = reading.pieces(writer.start)
            score_here(pieces, Echo(output, most), writer, lambda _: None)
        writer.finish()
    return writer


def content(path: Path) -> object:
    raw = path.read_bytes()
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True).read()
    return gzip.decompress(raw) if path.suffix == ".gz" else raw


@pytest.mark.parametrize("name", ["v.jsonl", "v.jsonl.gz", "v.jsonl.zst", "v.parquet"])
def test_cut_off_after_every_piece(inputs: list[Path], tmp_path: Path, name: str) -> None:
    unbroken, target = tmp_path / f"unbroken-{name}", tmp_path / name
    pieces = run(inputs, unbroken).refused
    assert pieces > 10

    for _ in range(pieces - 1):
        with pytest.raises(CutOffError):
            run(inputs, target, most=1, resume=True)
        assert not target.exists(), "a file is in its place only once it is whole"
        # What was written after the last note does not count.
        with (tmp_path / (name + PARTIAL)).open("ab") as partial:
            partial.write(b"half of someth")
    ended = run(inputs, target, resume=True)

    assert (ended.scored, ended.refused) == (30, pieces)
    assert content(target) == content(unbroken)
    if name != "v.parquet":
        assert target.read_bytes() == unbroken.read_bytes()
    assert sorted(path.name for path in tmp_path.glob("v.*")) == [name]


def test_without_resume_it_starts_anew(inputs: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "v.jsonl"
    with pytest.raises(CutOffError):
        run(inputs, target, most=2)

    ended = run(inputs[:1], target)

    assert ended.scored == 9
    assert len(target.read_bytes().splitlines()) == 9


def test_with_nothing_to_go_on_with_it_starts(inputs: list[Path], tmp_path: Path) -> None:
    assert run(inputs, tmp_path / "v.jsonl", resume=True).scored == 30


@pytest.mark.parametrize("name", ["v.jsonl", "v.parquet"])
@pytest.mark.parametrize("step", ["replace", "unlink"])
def test_cut_off_in_the_last_steps(
    inputs: list[Path], tmp_path: Path, name: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / name
    real = getattr(Path, step)

    def cut_off(own: Path, *rest: object, **more: object) -> object:
        # The note that all is written is put in its place, too, before the file itself.
        if own.name.endswith(".new") or more:
            return real(own, *rest, **more)
        raise CutOffError

    with monkeypatch.context() as patched:
        patched.setattr(Path, step, cut_off)
        if step == "replace" or name == "v.parquet":
            with pytest.raises(CutOffError):
                run(inputs, target)
    assert target.exists() == (step == "unlink" and name == "v.parquet")

    ended = run(inputs, target, resume=True)

    assert ended.scored == 30
    assert sorted(path.name for path in tmp_path.glob("v.*")) == [name]


def test_cut_off_before_the_note_is_removed(inputs: list[Path], tmp_path: Path) -> None:
    target, note = tmp_path / "v.jsonl", tmp_path / ("v.jsonl" + RESUME)
    writer = run(inputs, target)
    whole = target.read_bytes()
    writer._file = target.open("r+b")
    writer._file.seek(0, os.SEEK_END)
    writer._save(None, finished=True)
    writer._file.close()
    assert note.exists()

    ended = run(inputs, target, resume=True)

    assert (ended.scored, target.read_bytes()) == (30, whole)
    assert sorted(path.name for path in tmp_path.glob("v.*")) == ["v.jsonl"]


def test_it_goes_on_only_as_it_began(inputs: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "v.jsonl"

    def cut_off_after(pieces: int) -> None:
        # Of what was scored, two or three may not have been written any more.
        with pytest.raises(CutOffError):
            run(inputs, target, most=pieces)

    cut_off_after(4)
    with pytest.raises(ResumeError, match="read 4 inputs, and they were others"):
        run(inputs[:2], target, resume=True)
    inputs[0].write_bytes(inputs[0].read_bytes().replace(b"00", b"xx"))
    with pytest.raises(ResumeError, match=r"is not what it was when its first \d lines were"):
        run(inputs, target, resume=True)

    cut_off_after(10)
    inputs[0].write_bytes(b"longer than before, but it was answered already" * 9)
    with pytest.raises(ResumeError, match=r"a\.txt' had .* bytes when it was scored"):
        run(inputs, target, resume=True)

    cut_off_after(4)
    SETTINGS["model"] = "e" * 64
    try:
        with pytest.raises(ResumeError, match=r"had model 'dddd.*this one has 'eeee"):
            run(inputs, target, resume=True)
    finally:
        SETTINGS["model"] = "d" * 64

    os.truncate(tmp_path / ("v.jsonl" + PARTIAL), 3)
    with pytest.raises(ResumeError, match="has 3 bytes, and"):
        run(inputs, target, resume=True)


def test_what_was_added_to_an_input_meanwhile_is_scored_too(tmp_path: Path) -> None:
    growing, target = tmp_path / "a.txt", tmp_path / "v.jsonl"
    growing.write_bytes(b"http://a.example/\n" * 20)
    with pytest.raises(CutOffError):
        run([growing], target, most=2)

    growing.write_bytes(b"http://a.example/\n" * 25)

    assert run([growing], target, resume=True).scored == 25


@pytest.mark.parametrize(
    "note",
    [b"", b"{}", b"[]", b'{"version": 2}', b'{"version": 1, "mark": {}}', b"\xff"],
    ids=str,
)
def test_a_note_that_is_none(inputs: list[Path], tmp_path: Path, note: bytes) -> None:
    (tmp_path / ("v.jsonl" + RESUME)).write_bytes(note)

    with pytest.raises(ResumeError, match=r"v\.jsonl\.resume' says nothing of how far"):
        run(inputs, tmp_path / "v.jsonl", resume=True)
    assert run(inputs, tmp_path / "v.jsonl").scored == 30


def test_one_run_at_a_time_writes_a_file(inputs: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "v.jsonl"
    with FileWriter(target, "jsonl", SETTINGS, [], resume=False) as first:
        first.write(Answered(data=b"{}\n", scored=1, refused=0), None)
        with pytest.raises(ResumeError, match="is being written by another run"):
            run(inputs, target)
        first.finish()
    assert target.read_bytes() == b"{}\n"


@pytest.mark.parametrize("kind", ["folder", "in no folder"])
def test_where_nothing_can_be_written(inputs: list[Path], tmp_path: Path, kind: str) -> None:
    target = tmp_path if kind == "folder" else tmp_path / "none" / "v.jsonl"

    with pytest.raises(ConfigurationError, match=r"Option --output has value .* give a file"):
        run(inputs, target)


def test_a_link_goes_on_leading_to_the_file(inputs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    link = tmp_path / "v.jsonl"
    link.symlink_to(tmp_path / "far" / "real.jsonl")

    run(inputs, link)

    assert link.is_symlink()
    assert len((tmp_path / "far" / "real.jsonl").read_bytes().splitlines()) == 30


def test_marks_rise(inputs: list[Path]) -> None:
    found = find([str(name) for name in inputs], pages=False)
    reading = Reading(
        inputs=found,
        field="url",
        form="auto",
        column="url",
        longest=1_000,
        largest=1_000,
        block_bytes=50,
    )
    marks = [piece.mark for piece in reading.pieces()]
    places = [(mark.file, mark.position) for mark in marks if isinstance(mark, Mark)]
    assert places == sorted(places)
    assert len(places) == len(marks)
    assert [mark.read for mark in marks if mark][-1] == sum(one.size for one in found)
