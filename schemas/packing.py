"""Unpacks the bytes of a page: base64, gzip, zstd, all of it bounded.

A few kilobytes can claim or unpack to terabytes. Unpacking stops one byte above the limit, and
what a header claims allocates nothing: memory grows with what is really unpacked, beside a zstd
window of at most 8 MiB or, if that is larger, the limit (a page's window is never larger than the
page; RFC 8878, 3.1.1.1.2 recommends that 8 MiB be taken).
"""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

import zstandard

from schemas.causes import Cause, RefusedError
from schemas.zstd_frames import NotWholeError, frames

# Empty members unpack to nothing at some cost each. Blocked gzip (bgzip) has one in 64 KiB.
MAX_GZIP_MEMBERS = 4096
MIN_MAX_WINDOW_BYTES = 8_388_608

_GZIP = 16 + zlib.MAX_WBITS
# What follows a member is copied: at most a chunk.
_CHUNK_BYTES = 65_536
# The library's word for a frame that does not tell the size of its content.
_UNTOLD = zstandard.CONTENTSIZE_UNKNOWN


def from_base64(text: str) -> bytes:
    """The bytes that standard base64 with padding stands for (RFC 4648, 4), read strictly.

    Neither white space nor the URL-safe alphabet; padding must be there. Unused bits of the last
    character may be anything, as with most decoders.

    Raises:
        RefusedError: it is something else.
    """
    try:
        page = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:  # binascii.Error is one, and so is what characters beyond ASCII raise
        page = None
    # Python takes padding too many behind a whole group.
    if page is not None and len(text) == -(-len(page) // 3) * 4:
        return page
    raise RefusedError(
        Cause.NOT_BASE64,
        f"`html_base64` ({len(text)} characters) is not standard base64 with padding, "
        "without white space",
    )


def unpacked(packed: bytes, encoding: str, most: int) -> bytes:
    """The page that ``packed`` holds.

    Args:
        packed: As it came.
        encoding: One of `ENCODINGS`.
        most: Greatest length of the page in bytes.

    Raises:
        RefusedError: the page is larger; or ``packed`` is not whole, is followed by something
            else, or is no such encoding at all.
    """
    return ENCODINGS[encoding](packed, most)


def _identity(page: bytes, most: int) -> bytes:
    if len(page) > most:
        raise RefusedError(
            Cause.PAGE_TOO_LARGE, f"The page has {len(page)} bytes; at most {most} are taken"
        )
    return page


def _gunzipped(packed: bytes, most: int) -> bytes:
    view = memoryview(packed)
    unpacker = zlib.decompressobj(_GZIP)
    members = 1
    pieces = []
    room = most
    for start in range(0, len(view), _CHUNK_BYTES):
        rest: bytes | memoryview = view[start : start + _CHUNK_BYTES]
        while rest:
            if unpacker.eof:
                members += 1
                if members > MAX_GZIP_MEMBERS:
                    raise _bad("gzip", f"more than {MAX_GZIP_MEMBERS} members")
                unpacker = zlib.decompressobj(_GZIP)
            try:
                piece = unpacker.decompress(rest, room + 1)
            except zlib.error as error:
                raise _bad("gzip", str(error)) from None
            room -= len(piece)
            if room < 0:
                raise _too_large(most)
            pieces.append(piece)
            rest = unpacker.unused_data
    if not unpacker.eof:
        raise _bad("gzip", f"it ends early, after {len(packed)} bytes")
    return b"".join(pieces)


def _unzstd(packed: bytes, most: int) -> bytes:
    max_window = max(MIN_MAX_WINDOW_BYTES, most)
    try:
        headers = frames(packed)
    except (NotWholeError, zstandard.ZstdError) as error:
        raise _bad("zstd", str(error)) from None
    if any(most < header.content_size != _UNTOLD for header in headers):
        raise _too_large(most)
    window = max((header.window_size for header in headers), default=0)
    if window > max_window:
        raise _bad("zstd", f"it needs a window of {window} bytes; at most {max_window} are given")
    reader = zstandard.ZstdDecompressor(max_window_size=max_window).stream_reader(
        packed, read_across_frames=True
    )
    pieces = []
    room = most
    try:
        while piece := reader.read(min(_CHUNK_BYTES, room + 1)):
            room -= len(piece)
            if room < 0:
                break
            pieces.append(piece)
    except zstandard.ZstdError as error:
        raise _bad("zstd", str(error)) from None
    if room < 0:
        raise _too_large(most)
    return b"".join(pieces)


def _bad(encoding: str, why: str) -> RefusedError:
    return RefusedError(Cause.BAD_PACKING, f"The page is not whole {encoding} data: {why}")


def _too_large(most: int) -> RefusedError:
    return RefusedError(
        Cause.PAGE_TOO_LARGE,
        f"The page has more than {most} bytes after decompression; at most {most} are taken",
    )


ENCODINGS: Mapping[str, Callable[[bytes, int], bytes]] = MappingProxyType(
    {"identity": _identity, "gzip": _gunzipped, "zstd": _unzstd}
)
"""How the bytes of a page may be packed, by the name in the event."""
