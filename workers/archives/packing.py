"""Answers as a piece of the output: each piece is whole, so that pieces can be put together.

Members of gzip (RFC 1952, 2.2) and frames of zstd (RFC 8878, 3) behind one another are one file.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

import zstandard

Output = Literal["jsonl", "gzip", "zstd", "parquet"]
Packer = Callable[[Sequence[bytes]], bytes]

_BY_SUFFIX: Final[dict[str, Output]] = {".gz": "gzip", ".zst": "zstd", ".parquet": "parquet"}

# Verdicts resemble one another: higher levels take several times as long and save little.
_GZIP_LEVEL: Final = 1
_ZSTD_LEVEL: Final = 3


def output_of(target: str) -> Output:
    """How a file is written, by its name's last suffix."""
    return _BY_SUFFIX.get(Path(target).suffix.lower(), "jsonl")


def packer(output: Output) -> Packer:
    """Makes one piece of n JSON objects."""
    if output == "parquet":
        from workers.archives.parquet_verdicts import packed  # noqa: PLC0415

        return packed
    if output == "gzip":
        return lambda answers: gzip.compress(_lines(answers), _GZIP_LEVEL, mtime=0)
    if output == "zstd":
        compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True)
        return lambda answers: compressor.compress(_lines(answers))
    return _lines


def _lines(answers: Sequence[bytes]) -> bytes:
    return b"\n".join((*answers, b""))
