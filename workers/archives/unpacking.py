"""Bytes of a file or pipe, unpacked if they are gzip or zstd, as their first bytes tell."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import Final, Literal, Protocol

import zstandard

from workers.archives.errors import InputError

Packing = Literal["plain", "gzip", "zstd"]

# RFC 1952, 2.3.1; RFC 8878, 3.1.1 and 3.1.2 (frames that are skipped: pzstd writes them first).
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_SKIPPABLE: Final = tuple(bytes([low]) + b"\x2a\x4d\x18" for low in range(0x50, 0x60))
_MAGICS: Final[tuple[tuple[bytes, Packing], ...]] = (
    (_GZIP, "gzip"),
    (_ZSTD, "zstd"),
    *((magic, "zstd") for magic in _SKIPPABLE),
)

# A block of zstd takes 4 bytes at least and unpacks to 128 KiB at most: at 32 MiB what these give
# stays small, however well it was packed.
_ZSTD_BYTES: Final = 1024
_READ_BYTES: Final = 65_536


class Stream(Protocol):
    """What gives at least one byte as soon as it has any, and none at its end: files, pipes."""

    def read1(self, size: int, /) -> bytes:
        """Up to ``size`` bytes."""
        ...


class Unpacked:
    """A stream without its packing, decided when it is first read.

    Args:
        stream: As it is.
        name: For messages.
    """

    def __init__(self, stream: Stream, name: str) -> None:
        self._raw = stream
        self._name = name
        self._inner: Stream | None = None

    def read1(self, size: int, /) -> bytes:
        """Some bytes, as soon as there are any; none at the end.

        Raises:
            InputError: it broke off, or is packed wrongly.
        """
        try:
            if self._inner is None:
                self._inner = self._opened()
            return self._inner.read1(size)
        except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
            raise InputError(f"Input {self._name!r} broke off: {error}") from error

    def _opened(self) -> Stream:
        start = b""
        while _may_be_packed(start):
            more = self._raw.read1(_READ_BYTES)
            if not more:
                break
            start += more
        whole = _Prefixed(start, self._raw)
        packing = packing_of(start)
        if packing == "gzip":
            return gzip.GzipFile(fileobj=io.BufferedReader(whole, _READ_BYTES))
        return _Zstd(whole) if packing == "zstd" else whole


def packing_of(start: bytes) -> Packing:
    """How a stream is packed that begins with these bytes."""
    return next((packing for magic, packing in _MAGICS if start.startswith(magic)), "plain")


def _may_be_packed(start: bytes) -> bool:
    """Whether there are too few bytes to tell."""
    return any(len(start) < len(magic) and magic.startswith(start) for magic, _ in _MAGICS)


class _Prefixed(io.RawIOBase):
    """A stream, and before it what was read of it already."""

    def __init__(self, start: bytes, stream: Stream) -> None:
        self._start = start
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        some = self.read1(len(buffer))
        buffer[: len(some)] = some
        return len(some)

    def read1(self, size: int, /) -> bytes:
        if self._start:
            some, self._start = self._start[:size], self._start[size:]
            return some
        return self._stream.read1(size)


class _Zstd:
    """Frames of zstd behind one another; the library's own reader takes a cut one for whole."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._packed = memoryview(b"")
        self._unpacker = zstandard.ZstdDecompressor()
        self._frame: zstandard.ZstdDecompressionObj | None = None

    def read1(self, size: int, /) -> bytes:
        del size  # a slice of what is packed gives what it gives
        while True:
            if not len(self._packed):
                self._packed = memoryview(self._stream.read1(_READ_BYTES))
                if not len(self._packed):
                    if self._frame is not None:
                        raise EOFError("it ends in the middle of a frame")
                    return b""
            if self._frame is None:
                self._frame = self._unpacker.decompressobj()
            some, self._packed = self._packed[:_ZSTD_BYTES], self._packed[_ZSTD_BYTES:]
            given = self._frame.decompress(some)
            if self._frame.eof:
                left = len(self._frame.unused_data)
                self._packed = memoryview(bytes(some[len(some) - left :]) + bytes(self._packed))
                self._frame = None
            if given:
                return given
