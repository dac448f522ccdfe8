"""Lines of a file or of standard input, given out in batches as they become available."""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, cast

from workers.archives.inputs import JSON_SUFFIXES, STANDARD_INPUT, TEXT_SUFFIXES, suffix
from workers.archives.unpacking import Unpacked
from workers.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workers.archives.unpacking import Stream

Format = Literal["auto", "jsonl", "text"]

# Several hundred events: enough to make a batch worth its while, little enough to show progress.
_CHUNK_BYTES: Final = 65_536


class Lines:
    r"""Batches of lines, without their ends (``\n`` or ``\r\n``).

    A batch is what could be read without waiting, so that a slow pipe is passed on line by line
    and a file in hundreds.

    Args:
        stream: Unpacked.
        name: The name of the input, for messages.
        size: Bytes of the file, where known.
        position: Tells how many of them have been read.
        longest: Bytes of the longest line that is kept whole; of a longer one, which is refused
            for its length, the rest is dropped. None: there is no such limit.

    Attributes:
        name: The name of the input, for messages.
        size: Bytes of the file, where known.
        position: Tells how many of them have been read.
    """

    def __init__(
        self,
        stream: Stream,
        *,
        name: str,
        size: int | None = None,
        position: Callable[[], int] = lambda: 0,
        longest: int | None = None,
    ) -> None:
        self.name = name
        self.size = size
        self.position = position
        self._stream = stream
        self._longest = longest
        self._ahead: list[list[bytes]] = []
        self._rest = self._batches()

    def __iter__(self) -> Iterator[list[bytes]]:
        while self._ahead:
            yield self._ahead.pop(0)
        yield from self._rest

    def are_json(self, wanted: Format) -> bool:
        """Whether the lines are JSON: as wanted, else by suffix, else by the first line.

        Decided once for the whole input; must be asked before the first batch is taken.
        """
        if wanted != "auto":
            return wanted == "jsonl"
        named = suffix(self.name)
        if named in JSON_SUFFIXES | TEXT_SUFFIXES:
            return named in JSON_SUFFIXES
        for batch in self._rest:
            self._ahead.append(batch)
            for line in batch:
                if line.strip():
                    return line.lstrip().startswith(b"{")
        return False

    def _batches(self) -> Iterator[list[bytes]]:
        parts: list[bytes] = []  # of a line whose end is yet to come
        held = 0
        while chunk := self._stream.read1(_CHUNK_BYTES):
            first, *others = chunk.split(b"\n")
            if self._longest is not None:
                first = first[: max(0, self._longest + 1 - held)]
            parts.append(first)
            held += len(first)
            if others:
                *whole, last = others
                yield [_without_return(line) for line in (b"".join(parts), *whole)]
                parts, held = [last], len(last)
        if rest := b"".join(parts):
            yield [_without_return(rest)]


def named_as_json(name: str) -> bool:
    """Whether a file is one of JSON Lines, by its suffix; that of a packing does not count."""
    return suffix(name) in JSON_SUFFIXES


def _without_return(line: bytes) -> bytes:
    return line.removesuffix(b"\r")


@contextmanager
def opened(name: str, *, longest: int | None = None) -> Iterator[Lines]:
    """The lines of file ``name``, or of standard input for ``-``, unpacked if they are packed.

    Args:
        name: Of the file.
        longest: Bytes of the longest line that is kept whole.

    Raises:
        ConfigurationError: it cannot be opened.
    """
    if name == STANDARD_INPUT:
        # A BufferedReader, whose `read1` the type of `sys.stdin.buffer` does not tell of.
        standard = cast("io.BufferedReader", sys.stdin.buffer)
        told = "standard input"
        yield Lines(Unpacked(standard, told), name=told, longest=longest)
        return
    path = Path(name)
    try:
        raw = io.BufferedReader(io.FileIO(path))
    except OSError as error:
        raise ConfigurationError(
            f"Option --input has value {name!r}: {error.strerror}; "
            "give a file that can be read, or - for standard input"
        ) from error
    with raw:
        # A pipe cannot tell how far it is read.
        position = raw.tell if raw.seekable() else lambda: 0
        size = path.stat().st_size or None
        unpacked = Unpacked(raw, name)
        yield Lines(unpacked, name=name, size=size, position=position, longest=longest)
