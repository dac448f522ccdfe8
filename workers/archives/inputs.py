"""Inputs by name: files, and folders of files."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from workers.errors import ConfigurationError

STANDARD_INPUT: Final = "-"
JSON_SUFFIXES: Final = frozenset({".jsonl", ".ndjson", ".json"})
TEXT_SUFFIXES: Final = frozenset({".txt", ".text", ".list"})
PAGE_SUFFIXES: Final = frozenset({".html", ".htm", ".xhtml"})
PARQUET_SUFFIXES: Final = frozenset({".parquet"})
_PACKED_SUFFIXES: Final = frozenset({".gz", ".zst"})

# Apache Parquet's format: a file begins (and ends) with it.
_PARQUET: Final = b"PAR1"

Kind = Literal["lines", "parquet", "page", "stream"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A file.

    Attributes:
        name: As it was given, or found.
        kind: What it holds; a stream is a pipe or the like, which can be read only once.
        size: Bytes on the disk.
    """

    name: str
    kind: Kind
    size: int


def find(names: Sequence[str], *, pages: bool) -> list[Input]:
    """Files as they are named, and in place of folders the files in them, in order of name.

    Links to folders are not followed, so that the search ends.

    Args:
        names: Of files and folders.
        pages: Whether pages are judged, of which each may be a file; else texts.

    Raises:
        ConfigurationError: there is nothing of that name that can be read, or nothing in a folder.
    """
    return [
        _input(file, pages=pages)
        for name in names
        for file in (_in_folder(name, pages=pages) if Path(name).is_dir() else [name])
    ]


def suffix(name: str) -> str:
    """A name's last suffix, in lower case; that of a packing does not count."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    if suffixes and suffixes[-1] in _PACKED_SUFFIXES:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _in_folder(folder: str, *, pages: bool) -> list[str]:
    wanted = JSON_SUFFIXES | PARQUET_SUFFIXES | (PAGE_SUFFIXES if pages else TEXT_SUFFIXES)
    found = []
    for where, folders, files in os.walk(folder):
        folders.sort()
        found += [
            str(path)
            for path in (Path(where, file) for file in sorted(files))
            if suffix(path.name) in wanted and path.is_file()
        ]
    if not found:
        raise ConfigurationError(
            f"Folder {folder!r} has no inputs: no file in it ends in {', '.join(sorted(wanted))} "
            "(and .gz or .zst); name the files themselves"
        )
    return found


def _input(name: str, *, pages: bool) -> Input:
    try:
        if name == STANDARD_INPUT or not stat.S_ISREG(Path(name).stat().st_mode):
            return Input(name=name, kind="stream", size=0)
        with Path(name).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(len(_PARQUET))
    except OSError as error:
        raise ConfigurationError(
            f"Option --input names {name}: {error.strerror}; "
            "give a file that can be read, or - for standard input"
        ) from error
    if start == _PARQUET:
        return Input(name=name, kind="parquet", size=size)
    is_page = pages and suffix(name) in PAGE_SUFFIXES
    return Input(name=name, kind="page" if is_page else "lines", size=size)
