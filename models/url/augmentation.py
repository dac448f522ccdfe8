"""What training does to URLs, whatever their labels: what anyone can add to a URL is added.

Three quarters of what browsers request are static files, which malicious URLs hardly ever are, so
a network left to itself reads ``.js`` as harmless, and whoever owns a host can serve ``/a.js`` on
it. Here rows of a batch, of both labels alike, are shown with parts of other rows put to them: the
end of a path with its query, a folder before the path, a label before the host. What they are to
be taken for stays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from models.url.normaliser import CLASSES, HOST, PATH, QUERY, code_of

# Shares of the rows that are given an end, a folder, a label. What robustness they buy is paid for
# in detection of URLs as they come: at .35, .1, .1 it was five points at 0.1 % false positives.
ENDS, FOLDERS, LABELS = 0.08, 0.03, 0.03
_FIRST_OF_PATH, _FIRST_OF_QUERY = (1 + CLASSES * part for part in (PATH, QUERY))
_SLASH, _DOT, _DOT_OF_HOST = code_of("/", PATH), code_of(".", PATH), code_of(".", HOST)
_NONE = -1


def with_additions(
    codes: NDArray[np.uint8], seen: NDArray[np.int32], generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Add parts of other rows to some: uint8[n, width]."""
    n = len(codes)
    drawn = generator.random((n, 3)) < (ENDS, FOLDERS, LABELS)
    files = np.flatnonzero(_are_files(codes, seen))
    any_row = generator.integers(0, n, (n, 3))
    if len(files):
        # Ends of files, for they are what looks harmless.
        any_row[:, 0] = files[generator.integers(0, len(files), n)]
    givers = np.where(drawn, any_row, _NONE)
    changed = np.zeros_like(codes)
    _put_together(codes, seen, givers, changed)
    return changed


@compiled
def _are_files(codes: NDArray[np.uint8], seen: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether the last part of each path has a dot."""
    found = np.zeros(len(seen), np.bool_)
    for row in range(len(seen)):
        for i in range(seen[row]):
            if codes[row, i] == _SLASH:
                found[row] = False
            elif codes[row, i] == _DOT:
                found[row] = True
    return found


@compiled
def _put_together(
    codes: NDArray[np.uint8],
    seen: NDArray[np.int32],
    givers: NDArray[np.int64],
    changed: NDArray[np.uint8],
) -> None:
    for row in range(len(seen)):
        end_giver, folder_giver, label_giver = givers[row, 0], givers[row, 1], givers[row, 2]
        length = seen[row]
        host_end = _end_of_host(codes[row], length)
        if host_end == 0:
            _append(changed[row], 0, codes[row], 0, length)
            continue
        count = 0
        if label_giver >= 0:
            end = _first_label(codes[label_giver], seen[label_giver])
            count = _append(changed[row], count, codes[label_giver], 0, end)
        count = _append(changed[row], count, codes[row], 0, host_end)
        if folder_giver >= 0:
            start, end = _first_folder(codes[folder_giver], seen[folder_giver])
            count = _append(changed[row], count, codes[folder_giver], start, end)
        count = _append(changed[row], count, codes[row], host_end, length)
        if end_giver >= 0 and codes[row, length - 1] < _FIRST_OF_QUERY:
            start = _last_part(codes[end_giver], seen[end_giver])
            if start > 0:
                _append(changed[row], count, codes[end_giver], start, seen[end_giver])


@compiled
def _first_label(text: NDArray[np.uint8], length: int) -> int:
    """Where the first label of the host ends, with its dot; 0 where it is the only one."""
    host_end = _end_of_host(text, length)
    for i in range(host_end):
        if text[i] == _DOT_OF_HOST:
            return i + 1
    return 0


@compiled
def _first_folder(text: NDArray[np.uint8], length: int) -> tuple[int, int]:
    """First and last (exclusive) of the path's first folder with its slash; (0, 0) for none."""
    start = _end_of_host(text, length)
    if not 0 < start < length or text[start] != _SLASH:
        return 0, 0
    for i in range(start + 1, length):
        if text[i] == _SLASH:
            return start, i
    # The last part of a path is no folder.
    return 0, 0


@compiled
def _end_of_host(text: NDArray[np.uint8], length: int) -> int:
    """Where the host ends; 0 where the URL does not begin with it."""
    end = 0
    while end < length and text[end] < _FIRST_OF_PATH:
        end += 1
    return end


@compiled
def _last_part(text: NDArray[np.uint8], length: int) -> int:
    """Where the last part of the path begins, or the query if there is no path; -1 for neither."""
    start = _NONE
    for i in range(length):
        if text[i] == _SLASH or (start < 0 and text[i] >= _FIRST_OF_QUERY):
            start = i
    return start


@compiled
def _append(
    target: NDArray[np.uint8], count: int, text: NDArray[np.uint8], start: int, end: int
) -> int:
    for i in range(start, min(end, start + len(target) - count)):
        target[count] = text[i]
        count += 1
    return count
