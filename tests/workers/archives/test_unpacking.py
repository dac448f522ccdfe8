"""Packed or not, whole or not, a stream gives what was packed, or says that it broke off."""

from __future__ import annotations

import gzip
import io

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from workers.archives.errors import InputError
from workers.archives.packing import output_of, packer
from workers.archives.unpacking import Unpacked

CONTENT = b"".join(b"http://%d.example/\n" % number for number in range(20_000))
# RFC 8878, 3.1.2: frames of something else, which readers pass over.
SKIPPED = b"\x5a\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"


class Pieces:
    """A pipe that gives what was written piece by piece."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]

    def read1(self, size: int, /) -> bytes:
        if not self._pieces:
            return b""
        piece = self._pieces.pop(0)
        if len(piece) > size:
            self._pieces.insert(0, piece[size:])
        return piece[:size]


def unpacked(stream: Pieces | bytes) -> bytes:
    raw = io.BufferedReader(io.BytesIO(stream)) if isinstance(stream, bytes) else stream
    given = Unpacked(raw, "archive")
    parts = []
    while part := given.read1(65_536):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    "packed",
    [
        CONTENT,
        gzip.compress(CONTENT),
        gzip.compress(CONTENT[:100]) + gzip.compress(CONTENT[100:]),
        zstandard.compress(CONTENT),
        zstandard.compress(CONTENT[:7]) + SKIPPED + zstandard.compress(CONTENT[7:]),
        SKIPPED + zstandard.compress(CONTENT) + SKIPPED,
    ],
    ids=["plain", "gzip", "members", "zstd", "frames", "frames that are skipped"],
)
@pytest.mark.parametrize("size", [1, 7, 5_000], ids="pieces of {}".format)
def test_what_was_packed_comes_out(packed: bytes, size: int) -> None:
    head, rest = packed[:20], packed[20:]
    # The first bytes one by one: they tell what it is.
    pieces = [head[at : at + 1] for at in range(len(head))]
    pieces += [rest[at : at + size * 50] for at in range(0, len(rest), size * 50)]

    assert unpacked(Pieces(pieces)) == CONTENT


@pytest.mark.parametrize(
    "broken",
    [
        gzip.compress(CONTENT)[:-9],
        gzip.compress(CONTENT)[:-4] + b"\0\0\0\0",
        gzip.compress(CONTENT) + b"more",
        zstandard.compress(CONTENT)[:-1],
        zstandard.compress(CONTENT)[:10],
        zstandard.compress(CONTENT) + b"more",
        zstandard.compress(CONTENT) + SKIPPED[:-1],
    ],
    ids=[
        *("gzip cut off", "gzip of another length", "more after gzip"),
        *("zstd cut off", "zstd cut off early", "more after zstd", "skipped frame cut off"),
    ],
)
def test_what_is_broken_says_so(broken: bytes) -> None:
    with pytest.raises(InputError, match="Input 'archive' broke off: "):
        unpacked(broken)


@pytest.mark.parametrize("start", [b"", b"\x1f", b"(", b"(\xb5", b"\x5f*M", b"\x28\xb5\x2f\n"])
def test_what_only_begins_like_a_packing_is_plain(start: bytes) -> None:
    assert unpacked(start) == start
    assert unpacked(Pieces([start[at : at + 1] for at in range(len(start))])) == start


def test_a_frame_that_unpacks_to_much_more_comes_in_parts() -> None:
    packed = zstandard.compress(bytes(200_000_000))
    stream = Unpacked(io.BufferedReader(io.BytesIO(packed)), "archive")

    sizes = []
    while part := stream.read1(65_536):
        sizes.append(len(part))

    assert sum(sizes) == 200_000_000
    assert max(sizes) <= 32 * 1024 * 1024


@given(st.lists(st.lists(st.binary(max_size=30).map(bytes.hex).map(str.encode), max_size=4)))
def test_pieces_of_output_are_one_file(pieces: list[list[bytes]]) -> None:
    for target in ("v.jsonl", "v.jsonl.gz", "v.JSONL.ZST"):
        pack = packer(output_of(target))
        given = unpacked(b"".join(pack(answers) for answers in pieces))
        assert given == b"".join(answer + b"\n" for answers in pieces for answer in answers)
