"""Walks the frames of a zstd stream by their headers (RFC 8878, 3.1), unpacking nothing.

It finds out whether the stream is whole: that it ends where a frame ends.
"""

from __future__ import annotations

import zstandard

# A block unpacks to at most 128 KiB, and may unpack to nothing: 65,536 of them allow a page of
# 32 MiB that was flushed every 512 bytes, and 8 GiB otherwise.
MAX_BLOCKS = 65_536

_MAGIC = 0xFD2FB528
_SKIPPABLE_MAGIC = 0x184D2A50  # to 0x184D2A5F
_SKIPPABLE_HEADER_BYTES = 8
_MAX_HEADER_BYTES = 18
_CHECKSUM_BYTES = 4
_BLOCK_HEADER_BYTES = 3
_RUN_LENGTH_BLOCK = 1


class NotWholeError(Exception):
    """The bytes are no whole zstd stream."""


def frames(stream: bytes) -> list[zstandard.FrameParameters]:
    """The headers of one or more whole frames, which ``stream`` is and nothing else.

    Skippable frames, which hold nothing of what was packed, are passed over.

    Raises:
        NotWholeError: it is something else, or has too many blocks.
        zstandard.ZstdError: the header of a frame is cut off, or none.
    """
    headers = []
    position = blocks = 0
    while position < len(stream) or not blocks:
        blocks += 1
        magic = _number(stream, position, 4)
        if magic & ~0xF == _SKIPPABLE_MAGIC:
            position += _SKIPPABLE_HEADER_BYTES + _number(stream, position + 4, 4)
        elif magic == _MAGIC:
            start = stream[position : position + _MAX_HEADER_BYTES]
            headers.append(zstandard.get_frame_parameters(start))
            position += zstandard.frame_header_size(start)
            last = False
            while not last:
                blocks += 1
                if blocks > MAX_BLOCKS:
                    raise NotWholeError(f"more than {MAX_BLOCKS} blocks")
                header = _number(stream, position, _BLOCK_HEADER_BYTES)
                last = bool(header & 1)
                run_length = header >> 1 & 0b11 == _RUN_LENGTH_BLOCK
                position += _BLOCK_HEADER_BYTES + (1 if run_length else header >> 3)
            position += _CHECKSUM_BYTES if headers[-1].has_checksum else 0
        else:
            raise NotWholeError(f"no frame begins at byte {position}")
    if position > len(stream):
        raise _ends_early(stream)
    return headers


def _number(stream: bytes, position: int, size: int) -> int:
    own = stream[position : position + size]
    if len(own) < size:
        raise _ends_early(stream)
    return int.from_bytes(own, "little")


def _ends_early(stream: bytes) -> NotWholeError:
    return NotWholeError(f"it ends early, after {len(stream)} bytes")
