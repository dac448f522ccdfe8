"""A stream of lines, cut into blocks of whole lines.

Where it is cut depends on its bytes alone, and not on how they arrive: a run that goes on in the
middle has the same blocks as one that does not stop.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from workers.archives.unpacking import Stream

_READ_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some lines.

    Attributes:
        data: Their bytes; the last line of a stream may lack its end.
        end: How many bytes of the stream, unpacked, are read with them.
        digest: SHA-256 of all those, as hexadecimal digits.
    """

    data: bytes
    end: int
    digest: str

    @property
    def count(self) -> int:
        """How many lines."""
        return self.data.count(b"\n") + (not self.data.endswith(b"\n"))


class Blocks:
    r"""Iterates over a stream's blocks.

    A block ends with the last line that ends within its first ``size`` bytes, or else with its
    first line. Of a line longer than ``longest`` the rest is dropped: such a line is refused for
    its length, and one byte more than is taken shows that.

    Args:
        stream: Unpacked.
        size: Bytes of a block.
        longest: Bytes of the longest line that is kept whole.
    """

    def __init__(self, stream: Stream, *, size: int, longest: int) -> None:
        self._stream = stream
        self._size = size
        self._longest = longest
        self._held = bytearray()
        self._end = 0
        self._sha256 = hashlib.sha256()

    def skip(self, length: int) -> str:
        """Pass over so many bytes, before the first block; return their SHA-256.

        Where the stream is shorter, it is passed over whole.
        """
        while self._end < length:
            if not self._fill():
                break
            self._drop(min(len(self._held), length - self._end))
        return self._sha256.hexdigest()

    def __iter__(self) -> Iterator[Block]:
        while self._more(self._size):
            cut = self._held.rfind(b"\n", 0, self._size) + 1
            yield self._taken(cut) if cut else self._first_line()

    def _first_line(self) -> Block:
        """A line that is longer than a block."""
        looked = 0
        while True:
            if found := self._held.find(b"\n", looked) + 1:
                is_short = found - 1 <= self._longest
                return self._taken(found) if is_short else self._cut_off()
            if len(self._held) > self._longest:
                return self._cut_off()
            looked = len(self._held)
            if not self._fill():
                return self._taken(looked)

    def _cut_off(self) -> Block:
        """The start of a line, whose rest is dropped."""
        kept = bytes(self._held[: self._longest + 1])
        while not (found := self._held.find(b"\n") + 1):
            self._drop(len(self._held))
            if not self._fill():
                break
        self._drop(found)
        return Block(data=kept + b"\n", end=self._end, digest=self._sha256.hexdigest())

    def _taken(self, length: int) -> Block:
        data = bytes(self._held[:length])
        self._drop(length)
        return Block(data=data, end=self._end, digest=self._sha256.hexdigest())

    def _drop(self, length: int) -> None:
        with memoryview(self._held) as held:
            self._sha256.update(held[:length])
        del self._held[:length]
        self._end += length

    def _more(self, size: int) -> bool:
        """Hold ``size`` bytes, or all that are left; return whether there are any."""
        while len(self._held) < size and self._fill():
            pass
        return bool(self._held)

    def _fill(self) -> bool:
        some = self._stream.read1(_READ_BYTES)
        self._held += some
        return bool(some)
