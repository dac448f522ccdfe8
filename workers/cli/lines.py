"""Lines of a file or of standard input, given out in batches as they become available."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol, cast

from workers.errors import ConfigurationError, WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Format = Literal["auto", "jsonl", "text"]

_JSON_SUFFIXES: Final = frozenset({".jsonl", ".ndjson", ".json"})
_TEXT_SUFFIXES: Final = frozenset({".txt", ".text", ".list"})

# Several hundred events: enough to make a batch worth its while, little enough to show progress.
_CHUNK_BYTES: Final = 65_536


class InputError(WorkerError):
    """An input broke off or cannot be unpacked."""


class _Stream(Protocol):
    """What gives at least one byte as soon as it has any: files, pipes, gzip."""

    def read1(self, size: int, /) -> bytes: ...


class Lines:
    r"""Batches of lines, without their ends (``\n`` or ``\r\n``).

    A batch is what could be read without waiting, so that a slow pipe is passed on line by line
    and a file in hundreds.

    Attributes:
        name: The name of the input, for messages.
        size: Bytes of the file, where known.
        position: Tells how many of them have been read.
    """

    def __init__(
        self,
        stream: _Stream,
        *,
        name: str,
        size: int | None = None,
        position: Callable[[], int] = lambda: 0,
    ) -> None:
        self.name = name
        self.size = size
        self.position = position
        self._stream = stream
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
        suffix = _suffix(self.name)
        if suffix in _JSON_SUFFIXES | _TEXT_SUFFIXES:
            return suffix in _JSON_SUFFIXES
        for batch in self._rest:
            self._ahead.append(batch)
            for line in batch:
                if line.strip():
                    return line.lstrip().startswith(b"{")
        return False

    def _batches(self) -> Iterator[list[bytes]]:
        parts: list[bytes] = []  # of a line whose end is yet to come
        while chunk := self._read():
            first, *others = chunk.split(b"\n")
            parts.append(first)
            if others:
                *whole, last = others
                yield [_without_return(line) for line in (b"".join(parts), *whole)]
                parts = [last]
        if rest := b"".join(parts):
            yield [_without_return(rest)]

    def _read(self) -> bytes:
        try:
            return self._stream.read1(_CHUNK_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"Input {self.name!r} broke off: {error}") from error


def named_as_json(name: str) -> bool:
    """Whether a file is one of JSON Lines, by its suffix; ``.gz`` at the end does not count."""
    return _suffix(name) in _JSON_SUFFIXES


def _suffix(name: str) -> str:
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    if suffixes[-1:] == [".gz"]:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _without_return(line: bytes) -> bytes:
    return line.removesuffix(b"\r")


@contextmanager
def opened(name: str) -> Iterator[Lines]:
    """The lines of file ``name`` (unpacked if it ends in ``.gz``), or of standard input for ``-``.

    Raises:
        ConfigurationError: it cannot be opened.
    """
    if name == "-":
        # A BufferedReader, whose `read1` the type of `sys.stdin.buffer` does not tell of.
        yield Lines(cast("io.BufferedReader", sys.stdin.buffer), name="standard input")
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
        size = path.stat().st_size or None
        if path.suffix.lower() == ".gz":
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield Lines(unpacked, name=name, size=size, position=raw.tell)
        else:
            yield Lines(raw, name=name, size=size, position=raw.tell)
