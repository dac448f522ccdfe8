"""What is scored at one go, and where in the inputs it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How far inputs have been read.

    Attributes:
        file: Number of the input.
        position: Bytes of it, unpacked, or rows of a Parquet file.
        lines: Lines or rows of it.
        digest: Of what was read of it.
        read: Bytes of all inputs as they lie on the disk, for the progress.
    """

    file: int
    position: int
    lines: int
    digest: str
    read: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some lines, rows or pages of one input.

    Attributes:
        lines: Whole lines behind one another, or apart from one another where they may hold ends
            of lines.
        first: Number of the first of them, from 1 on.
        count: How many there are.
        events: Whether they are JSON events; else they are bare texts, or pages.
        input: Name of the input, where there are several.
        mark: Where it ends; None where that cannot be returned to.
    """

    lines: bytes | Sequence[bytes]
    first: int
    count: int
    events: bool
    input: str | None = None
    mark: Mark | None = None

    def split(self) -> Sequence[bytes]:
        r"""The lines, without their ends (``\n`` or ``\r\n``)."""
        if not isinstance(self.lines, bytes):
            return self.lines
        lines = self.lines.split(b"\n")
        if not lines[-1]:
            lines.pop()
        if b"\r" not in self.lines:
            return lines
        return [line.removesuffix(b"\r") for line in lines]
