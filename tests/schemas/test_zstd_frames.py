from __future__ import annotations

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from schemas.zstd_frames import MAX_BLOCKS, NotWholeError, frames

EMPTY_BLOCK = b"\0\0\0"
HEAD = b"\x28\xb5\x2f\xfd\x00\x00"  # no checksum, a window of 1 KiB


@given(
    contents=st.lists(st.binary(max_size=300_000), min_size=1, max_size=3),
    level=st.integers(-5, 12),
    checksum=st.booleans(),
    sized=st.booleans(),
)
def test_every_frame_of_a_stream_is_found(
    *, contents: list[bytes], level: int, checksum: bool, sized: bool
) -> None:
    packer = zstandard.ZstdCompressor(level, write_checksum=checksum, write_content_size=sized)
    headers = frames(b"".join(packer.compress(content) for content in contents))
    assert [header.has_checksum for header in headers] == [checksum] * len(contents)
    if sized:
        assert [header.content_size for header in headers] == list(map(len, contents))


def test_runs_are_one_byte_long_whatever_they_unpack_to() -> None:
    run = (100_000 << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"a"
    assert len(frames(HEAD + run)) == 1


def test_blocks_are_bounded() -> None:
    last = b"\x01\0\0"
    assert len(frames(HEAD + EMPTY_BLOCK * (MAX_BLOCKS - 2) + last)) == 1
    with pytest.raises(NotWholeError, match="more than 65536 blocks"):
        frames(HEAD + EMPTY_BLOCK * (MAX_BLOCKS - 1) + last)


def test_frames_without_end_are_not_whole() -> None:
    with pytest.raises(NotWholeError, match="ends early, after 9 bytes"):
        frames(HEAD + EMPTY_BLOCK)


@given(st.binary(max_size=40))
def test_other_bytes_are_no_frames(stream: bytes) -> None:
    with pytest.raises((NotWholeError, zstandard.ZstdError)):
        frames(stream)
