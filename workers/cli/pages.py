"""Files of HTML pages: found, read, and made into events."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from workers.errors import ConfigurationError, WorkerError

SUFFIXES: Final = (".html", ".htm", ".xhtml")
"""What the names of pages in a folder end in."""

STANDARD_INPUT: Final = "-"


class PageError(WorkerError):
    """A file cannot be read, or a folder has no pages."""


class Page(NamedTuple):
    """One page.

    Attributes:
        name: The name of its file, as given or found.
        content: Its bytes; cut one byte after the largest size, if it is larger.
    """

    name: str
    content: bytes


def page_files(names: Sequence[str]) -> Iterator[str]:
    """Files as they are named, and in place of folders the pages in them, in order of name.

    Links to folders are not followed, so that the search ends.

    Raises:
        ConfigurationError: there is nothing of that name, or a folder has no pages.
    """
    for name in names:
        if name == STANDARD_INPUT or not Path(name).is_dir():
            if name != STANDARD_INPUT and not Path(name).exists():
                raise ConfigurationError(f"File {name!r}: no such file; give files of HTML pages")
            yield name
            continue
        found = 0
        for folder, folders, files in os.walk(name):
            folders.sort()
            for file in sorted(files):
                path = Path(folder, file)
                if path.suffix.lower() in SUFFIXES and path.is_file():
                    found += 1
                    yield str(path)
        if not found:
            raise ConfigurationError(
                f"Folder {name!r} has no pages: no file in it ends in {', '.join(SUFFIXES)}; name "
                "the files themselves"
            )


def read_page(name: str, most: int) -> Page:
    """The page in a file, or on standard input for ``-``.

    Args:
        name: Of the file.
        most: Bytes of the largest page; of a larger one this many and one are read.

    Raises:
        PageError: it cannot be read.
    """
    if name == STANDARD_INPUT:
        return Page("standard input", sys.stdin.buffer.read(most + 1))
    try:
        with Path(name).open("rb") as file:
            return Page(name, file.read(most + 1))
    except OSError as error:
        raise PageError(f"{name}: {error.strerror or error}") from error


def page_event(page: Page) -> dict[str, str]:
    """An event with the page, in whichever of the contract's two ways is shorter in JSON.

    ``html`` takes only UTF-8, ``html_base64`` takes a third more than the page. The name of the
    file comes along as ``file``.
    """
    # Names of files may be any bytes, JSON takes none that are not UTF-8.
    name = os.fsencode(page.name).decode("utf-8", "replace")
    try:
        text = page.content.decode()
    except UnicodeDecodeError:
        text = None
    if text is not None and _escaped_length(page.content) <= _coded_length(page.content):
        return {"file": name, "html": text}
    return {"file": name, "html_base64": base64.b64encode(page.content).decode("ascii")}


def _coded_length(content: bytes) -> int:
    return 4 * -(-len(content) // 3)


# Of a byte in JSON, as orjson writes it: these two letters, other control characters six.
_TWO: Final = frozenset(b'"\\\b\f\n\r\t')
_EXTRA: Final = bytes(1 if byte in _TWO else 5 if byte < ord(" ") else 0 for byte in range(256))


def _escaped_length(content: bytes) -> int:
    return len(content) + sum(content.translate(_EXTRA))
