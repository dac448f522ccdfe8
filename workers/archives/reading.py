"""Inputs in pieces, from the start or from a mark on."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from workers.archives.blocks import Blocks
from workers.archives.errors import InputError, ResumeError
from workers.archives.inputs import (
    JSON_SUFFIXES,
    STANDARD_INPUT,
    TEXT_SUFFIXES,
    Input,
    suffix,
)
from workers.archives.pieces import Mark, Piece
from workers.archives.unpacking import Unpacked

Format = Literal["auto", "jsonl", "text"]

BLOCK_BYTES: Final = 262_144
"""Bytes of a piece: some thousand texts, which an engine takes at a few goes."""

# Blocks that may be blank before it is given up to tell from lines what they are.
_BLANK_BLOCKS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How inputs are read.

    Attributes:
        inputs: In order.
        field: Of an event, that is judged.
        form: What lines are.
        column: Of Parquet files, with what is judged.
        longest: Bytes of the longest line that is taken.
        largest: Bytes of the largest page that is taken.
        block_bytes: Bytes of a piece.
    """

    inputs: Sequence[Input]
    field: str
    form: Format
    column: str
    longest: int
    largest: int
    block_bytes: int = BLOCK_BYTES

    def pieces(self, start: Mark | None = None) -> Iterator[Piece]:
        """All inputs, or what of them is behind ``start``.

        Raises:
            ResumeError: what is before ``start`` is not what it was.
            InputError: an input cannot be read.
        """
        before = 0
        for number, one in enumerate(self.inputs):
            mark = start if start is not None and start.file == number else None
            if start is None or number >= start.file:
                yield from self._pieces(number, one, before, mark)
            before += one.size

    def _pieces(self, number: int, one: Input, before: int, start: Mark | None) -> Iterator[Piece]:
        if one.kind == "parquet":
            return self._rows(number, one, before, start)
        if one.kind == "page":
            return self._page(number, one, before, start)
        return self._lines(number, one, before, start)

    def _lines(self, number: int, one: Input, before: int, start: Mark | None) -> Iterator[Piece]:
        events = self._are_events(one)
        with _opened(one) as raw:
            blocks = self._blocks(raw, one)
            lines = 0
            if start is not None:
                _hold(one, blocks.skip(start.position), start)
                lines = start.lines
            for block in blocks:
                count = block.count
                mark = Mark(
                    file=number,
                    position=block.end,
                    lines=lines + count,
                    digest=block.digest,
                    read=before + raw.tell(),
                )
                yield Piece(
                    lines=block.data,
                    first=lines + 1,
                    count=count,
                    events=events,
                    input=self._told(one),
                    mark=mark,
                )
                lines += count

    def _rows(self, number: int, one: Input, before: int, start: Mark | None) -> Iterator[Piece]:
        from workers.archives.parquet_rows import ParquetRows  # noqa: PLC0415

        rows = ParquetRows(one.name, self.column, self.field)
        at = 0
        if start is not None:
            _hold(one, rows.digest, start)
            at = start.position
        for events in rows.since(at):
            end = at + len(events)
            mark = Mark(
                file=number,
                position=end,
                lines=end,
                digest=rows.digest,
                read=before + one.size * end // max(1, rows.count),
            )
            yield Piece(
                lines=events,
                first=at + 1,
                count=len(events),
                events=True,
                input=self._told(one),
                mark=mark,
            )
            at = end

    def _page(self, number: int, one: Input, before: int, start: Mark | None) -> Iterator[Piece]:
        if start is not None:
            return
        if one.name == STANDARD_INPUT:
            page = sys.stdin.buffer.read(self.largest + 1)
        else:
            with _opened(one) as raw:
                page = raw.read(self.largest + 1)
        mark = Mark(file=number, position=1, lines=1, digest="", read=before + one.size)
        yield Piece(lines=[page], first=1, count=1, events=False, input=self._told(one), mark=mark)

    def _are_events(self, one: Input) -> bool:
        """Whether lines are JSON: as wanted, else by suffix, else by the first that has text."""
        if self.form != "auto":
            return self.form == "jsonl"
        if suffix(one.name) in JSON_SUFFIXES | TEXT_SUFFIXES:
            return suffix(one.name) in JSON_SUFFIXES
        with _opened(one) as raw:
            for _, block in zip(range(_BLANK_BLOCKS), self._blocks(raw, one), strict=False):
                if line := block.data.lstrip():
                    return line.startswith(b"{")
        return False

    def _blocks(self, raw: io.BufferedReader, one: Input) -> Blocks:
        stream = Unpacked(raw, one.name)
        return Blocks(stream, size=self.block_bytes, longest=self.longest)

    def _told(self, one: Input) -> str | None:
        return one.name if len(self.inputs) > 1 else None


def _opened(one: Input) -> io.BufferedReader:
    try:
        return Path(one.name).open("rb")
    except OSError as error:
        raise InputError(f"Input {one.name!r} cannot be read: {error.strerror}") from error


def _hold(one: Input, digest: str, start: Mark) -> None:
    if digest != start.digest:
        raise ResumeError(
            f"input {one.name!r} is not what it was when its first {start.lines:,} lines were "
            "scored; leave --resume out to score everything anew"
        )
