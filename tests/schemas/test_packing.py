from __future__ import annotations

import base64
import gzip
import io
import re
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from schemas.causes import Cause, RefusedError
from schemas.packing import MAX_GZIP_MEMBERS, from_base64, unpacked

MIB = 2**20
PACKED = ["gzip", "zstd"]
PAGE = b"<html>\xff\0</html>" * 5000


def gzipped(page: bytes) -> bytes:
    return gzip.compress(page, mtime=0)


def zstd(page: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(page)


PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzipped, "zstd": zstd}


def cause_of(packed: bytes, encoding: str, most: int = MIB) -> Cause:
    with pytest.raises(RefusedError) as refused:
        unpacked(packed, encoding, most)
    assert refused.value.detail.isprintable()
    return refused.value.cause


@given(st.binary(max_size=100))
def test_base64_is_read_back(page: bytes) -> None:
    assert from_base64(base64.b64encode(page).decode()) == page


STRICT = re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


@given(st.text(st.sampled_from("Aa9+/=-_ \n\u00e9"), max_size=12) | st.text(max_size=8))
def test_base64_is_held_to_its_grammar(text: str) -> None:
    if STRICT.fullmatch(text):
        assert len(from_base64(text)) == len(text) // 4 * 3 - text.count("=")
    else:
        with pytest.raises(RefusedError):
            from_base64(text)


NOT_BASE64 = {
    "no padding": "YQ",
    "half of the padding": "YQ=",
    "padding too much": "YWJj=",
    "a group of padding": "YWJj====",
    "padding alone": "====",
    "padding within": "YQ==YQ==",
    "URL-safe": "-_-_",
    "new line at the end": "YWJj\n",
    "lines": "YWJj\nYWJj",
    "space": "YWJ jYWJ",
    "one character": "Y",
    "data URL": "data:text/html;base64,YWJj",
    "beyond ASCII": "YWJ\u00e9",
    "full width": "\uff39WJj",
}


@pytest.mark.parametrize("text", NOT_BASE64.values(), ids=NOT_BASE64.keys())
def test_what_is_nearly_base64_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match=f"{len(text)} characters.*padding"):
        from_base64(text)


@pytest.mark.parametrize("encoding", ["identity", *PACKED])
@given(parts=st.lists(st.binary(max_size=60), min_size=1, max_size=4), level=st.integers(1, 9))
def test_pages_are_unpacked_whole_from_any_number_of_members(
    encoding: str, parts: list[bytes], level: int
) -> None:
    pack = {
        "identity": bytes,
        "gzip": lambda part: gzip.compress(part, level),
        "zstd": zstandard.ZstdCompressor(level).compress,
    }[encoding]
    page = b"".join(parts)
    packed = b"".join(pack(part) for part in parts)
    assert unpacked(packed, encoding, len(page)) == page
    if page:
        assert cause_of(packed, encoding, len(page) - 1) == Cause.PAGE_TOO_LARGE


@pytest.mark.parametrize("encoding", PACKED)
@given(data=st.data())
def test_what_ends_early_is_refused_wherever_it_ends(encoding: str, data: st.DataObject) -> None:
    packed = PACK[encoding](PAGE) + PACK[encoding](b"more")
    first = len(PACK[encoding](PAGE))
    end = data.draw(st.integers(0, len(packed) - 1).filter(lambda end: end != first))
    assert cause_of(packed[:end], encoding) == Cause.BAD_PACKING


@pytest.mark.parametrize("encoding", PACKED)
@given(rest=st.binary(min_size=1, max_size=20) | st.sampled_from([bytes(8), b"\n", b"\x1f\x8b"]))
def test_nothing_may_follow(encoding: str, rest: bytes) -> None:
    assert cause_of(PACK[encoding](PAGE) + rest, encoding) == Cause.BAD_PACKING


@pytest.mark.parametrize("encoding", PACKED)
@given(data=st.data())
def test_a_bit_that_flipped_is_found(encoding: str, data: st.DataObject) -> None:
    packed = bytearray(PACK[encoding](PAGE))
    index = data.draw(st.integers(0, len(packed) - 1))
    packed[index] ^= 1 << data.draw(st.integers(0, 7))
    with suppress(RefusedError):
        # gzip's header has bits that change nothing, such as its time.
        assert unpacked(bytes(packed), encoding, MIB) == PAGE


@pytest.mark.parametrize("encoding", PACKED)
@given(packed=st.binary(max_size=60))
def test_any_bytes_are_refused_by_a_cause(encoding: str, packed: bytes) -> None:
    assert cause_of(packed, encoding) == Cause.BAD_PACKING


OTHERS = {
    "plain page": PAGE,
    "nothing": b"",
    "zlib": zlib.compress(PAGE),
    "deflate": zlib.compress(PAGE)[2:-4],
    "the other": None,
    "base64 once more": base64.b64encode(gzipped(PAGE)),
}


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("packed", OTHERS.values(), ids=OTHERS.keys())
def test_other_encodings_are_not_guessed(encoding: str, packed: bytes | None) -> None:
    if packed is None:
        packed = gzipped(PAGE) if encoding == "zstd" else zstd(PAGE)
    assert cause_of(packed, encoding) == Cause.BAD_PACKING


def bomb(encoding: str) -> bytes:
    """1 GiB of zeros."""
    if encoding == "gzip":
        packer = zlib.compressobj(9, wbits=-15)
        # Flushed like this, blocks can be repeated; the sum at the end is never reached.
        megabyte = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
        return gzipped(b"")[:10] + megabyte * 1024 + packer.flush() + bytes(8)
    stream = zstandard.ZstdCompressor().compressobj()
    return b"".join([stream.compress(bytes(MIB)) for _ in range(1024)]) + stream.flush()


@pytest.mark.parametrize("encoding", PACKED)
def test_bombs_are_refused_in_little_memory(encoding: str) -> None:
    packed = bomb(encoding)
    assert len(packed) < 2 * MIB
    tracemalloc.start()
    try:
        assert cause_of(packed, encoding, 8 * MIB) == Cause.PAGE_TOO_LARGE
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24 * MIB  # pieces of 8 MiB, and one that grows to the same


def frame(content_size: int, blocks: bytes) -> bytes:
    """A zstd frame of one segment that says how large its content is (RFC 8878, 3.1.1.1)."""
    return b"\x28\xb5\x2f\xfd\xe0" + content_size.to_bytes(8, "little") + blocks


def raw(content: bytes) -> bytes:
    """The last block of a frame, as it is."""
    return (len(content) << 3 | 1).to_bytes(3, "little") + content


def test_claims_of_size_allocate_nothing() -> None:
    tracemalloc.start()
    try:
        assert cause_of(frame(2**40, raw(b"x")), "zstd") == Cause.PAGE_TOO_LARGE
        assert cause_of(frame(MIB, raw(b"x")), "zstd") == Cause.BAD_PACKING
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MIB
    assert unpacked(frame(1, raw(b"x")), "zstd", MIB) == b"x"


@pytest.mark.parametrize(("log", "taken"), [(23, True), (24, False), (31, False)])
def test_windows_are_bounded(log: int, *, taken: bool) -> None:
    packed = b"\x28\xb5\x2f\xfd\x00" + bytes([(log - 10) << 3]) + raw(b"x")
    if taken:
        assert unpacked(packed, "zstd", MIB) == b"x"
    else:
        with pytest.raises(RefusedError, match=f"window of {2**log} bytes; at most 8388608"):
            unpacked(packed, "zstd", MIB)


@pytest.mark.parametrize("level", [1, 19, 22])
def test_a_page_at_the_limit_is_taken_whatever_its_window(level: int) -> None:
    page = bytes(9 * MIB)
    packed = zstandard.ZstdCompressor(level).compress(page)
    assert unpacked(packed, "zstd", 9 * MIB) == page


def test_members_that_unpack_to_nothing_are_bounded() -> None:
    assert unpacked(gzipped(b"") * MAX_GZIP_MEMBERS, "gzip", 0) == b""
    assert cause_of(gzipped(b"") * (MAX_GZIP_MEMBERS + 1), "gzip") == Cause.BAD_PACKING


def test_gzip_headers_of_all_kinds_are_taken() -> None:
    with io.BytesIO() as file:
        with gzip.GzipFile("page.html", "wb", 9, file, mtime=1_795_509_000) as packer:
            packer.write(PAGE)
        named = file.getvalue()
    # FEXTRA, FNAME, FCOMMENT and FHCRC at once (RFC 1952, 2.3.1).
    head = b"\x1f\x8b\x08\x1e\0\0\0\0\0\xff" + b"\x03\0abc" + b"name\0" + b"comment\0"
    head += (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little")
    full = head + gzipped(PAGE)[10:]
    assert unpacked(named + full, "gzip", MIB) == PAGE + PAGE


def test_skippable_zstd_frames_are_passed_over() -> None:
    skipped = b"\x5f\x2a\x4d\x18\x03\0\0\0xyz"
    assert unpacked(skipped + zstd(b"a") + skipped + zstd(b"b") + skipped, "zstd", 2) == b"ab"
    assert unpacked(skipped, "zstd", 2) == b""
    assert cause_of(zstd(b"a") + skipped[:-1], "zstd") == Cause.BAD_PACKING


def test_frames_that_want_a_dictionary_are_refused() -> None:
    words = zstandard.ZstdCompressionDict(b"<html><body>" * 100, zstandard.DICT_TYPE_RAWCONTENT)
    packed = zstandard.ZstdCompressor(dict_data=words).compress(b"<html><body>" * 20)
    assert cause_of(packed, "zstd") == Cause.BAD_PACKING
