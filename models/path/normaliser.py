"""Paths and keys in their normal form, in one compiled pass; training and serving share it.

`models.path.featuriser` defines the form. Numba compiles a function anew when its own file has
changed, not when that of a function it calls has: whoever changes one of `models.path` clears
``__pycache__``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from models.path.classes import (
    APPLICATION,
    CLASSES_ROOT,
    CONFIG,
    CONTROL_SET,
    CURRENT_USER,
    DEVICE,
    DRIVE,
    GAP,
    MACHINE,
    NETWORK,
    USER,
    USERS,
)
from models.path.draft import Draft, put, put_all, take_back
from models.path.identifiers import put_component
from models.path.roots import put_root
from models.path.scanning import (
    DIGIT,
    NOT_FOUND,
    SEP,
    is_drive,
    is_word,
    letters,
    meant,
    past_component,
    past_run,
    past_seps,
    spells,
    which,
)
from models.path.spellings import OF_LOCAL, OF_NOBODY, OF_PROFILES, OF_ROAMING

_NO_NAME = letters("\\(default)")
_ALL_USERS, _PROGRAM_DATA = letters("all users"), letters("programdata")
_XP_DOCUMENTS, _DOCUMENTS = letters("my documents"), letters("documents")
_CURRENT, _NUMBERED, _NUMBER = letters("currentcontrolset"), letters("controlset"), 3
# What stands before a component.
_NOTHING, _START, _DRIVE, _PROFILES, _USER, _ROAMING_TOO = range(6)
# No component grows to twice its length, and what a text begins with grows by no more than this.
_ROOM = 64


class Batch(NamedTuple):
    """What is written of n texts; all filled with 0 before.

    Attributes:
        codes: uint8[n, width].
        origins: int32[n, width], or of no rows, and is left as it is.
        seen: int32[n].
        read: int64[n].
    """

    codes: NDArray[np.uint8]
    origins: NDArray[np.int32]
    seen: NDArray[np.int32]
    read: NDArray[np.int64]


@compiled
def normalise(
    points: NDArray[np.uint32],
    starts: NDArray[np.int64],
    code_of_point: NDArray[np.uint8],
    batch: Batch,
) -> None:
    """Write the codes of n texts.

    Args:
        points: uint32[characters], the code points of all texts, one behind the other.
        starts: int64[n + 1], where each begins; the last is where they end.
        code_of_point: uint8[0x110000].
        batch: Filled with their codes.
    """
    longest = 0
    for row in range(len(starts) - 1):
        longest = max(longest, starts[row + 1] - starts[row])
    text = np.empty(longest, np.uint8)
    draft = Draft(
        np.empty(2 * longest + _ROOM, np.uint8),
        np.empty(2 * longest + _ROOM, np.int32),
        np.zeros(1, np.int64),
    )
    for row in range(len(starts) - 1):
        length = starts[row + 1] - starts[row]
        for place in range(length):
            text[place] = code_of_point[points[starts[row] + place]]
        draft.size[0] = 0
        _write(draft, text, length)
        _keep(draft, length, batch, row)


@compiled
def _write(draft: Draft, text: NDArray[np.uint8], length: int) -> None:
    """The whole normal form of one text."""
    end = _without_seps(text, length)
    root, at = put_root(draft, text, end)
    before = _NOTHING
    if root == 0:
        before = _START
    elif root == DRIVE:
        before = _DRIVE
    elif root == USER:
        before = _USER
    elif root in (MACHINE, CURRENT_USER, CLASSES_ROOT, USERS, CONFIG, APPLICATION):
        nameless = end - len(_NO_NAME)
        if nameless >= at and spells(text, nameless, end, _NO_NAME):
            end = _without_seps(text, nameless)
    foreign = root in (NETWORK, DEVICE)
    while at < end:
        if text[at] == SEP:
            put(draft, SEP, at)
            at = past_seps(text, at, end)
        else:
            past = past_component(text, at, end)
            before = _put(draft, text, at, past, before, foreign)
            at = past


@compiled
def _without_seps(text: NDArray[np.uint8], end: int) -> int:
    while end and text[end - 1] == SEP:
        end -= 1
    return end


@compiled
def _put(
    draft: Draft,
    text: NDArray[np.uint8],
    at: int,
    past: int,
    before: int,
    foreign: bool,
) -> int:
    """Append a component, and say what the next one stands behind."""
    if before == _PROFILES:
        return _put_user(draft, text, at, past)
    if before in (_USER, _ROAMING_TOO):
        behind = _put_folder(draft, text, at, past, before)
        if behind != NOT_FOUND:
            return behind
    if before in (_START, _DRIVE) or foreign:
        profiles = which(text, at, past, OF_PROFILES)
        if profiles != NOT_FOUND:
            put_all(draft, meant(profiles), at)
            return _PROFILES
    if past == at + 2 and is_drive(text, at, past):
        put(draft, DRIVE, at)
        return _DRIVE
    if _is_control_set(text, at, past):
        put(draft, CONTROL_SET, at)
    else:
        put_component(draft, text, at, past)
    return _NOTHING


@compiled
def _put_user(draft: Draft, text: NDArray[np.uint8], at: int, past: int) -> int:
    r"""Append the name of a user, who stands behind ``users\``."""
    if is_word(text, at, past, _ALL_USERS):
        # The last that was written: users, and a backslash.
        take_back(draft, len("users\\"))
        put_all(draft, _PROGRAM_DATA, at)
        return _ROAMING_TOO
    nobody = which(text, at, past, OF_NOBODY)
    if nobody == NOT_FOUND:
        put(draft, USER, at)
    else:
        put_all(draft, meant(nobody), at)
    return _USER


@compiled
def _put_folder(draft: Draft, text: NDArray[np.uint8], at: int, past: int, before: int) -> int:
    """Append a folder that has another name today, if it is one of these; else ``NOT_FOUND``."""
    roaming = which(text, at, past, OF_ROAMING)
    if roaming != NOT_FOUND and before == _ROAMING_TOO:
        take_back(draft, len("\\"))
        return _NOTHING
    if roaming != NOT_FOUND:
        put_all(draft, meant(roaming), at)
        return _NOTHING
    if before == _ROAMING_TOO:
        return NOT_FOUND
    local = which(text, at, past, OF_LOCAL)
    if local != NOT_FOUND:
        put_all(draft, meant(local), at)
        return _ROAMING_TOO
    if is_word(text, at, past, _XP_DOCUMENTS):
        put_all(draft, _DOCUMENTS, at)
        return _NOTHING
    return NOT_FOUND


@compiled
def _is_control_set(text: NDArray[np.uint8], at: int, past: int) -> bool:
    number = at + len(_NUMBERED)
    return is_word(text, at, past, _CURRENT) or (
        past == number + _NUMBER
        and spells(text, at, past, _NUMBERED)
        and past_run(text, number, past, DIGIT) == past
    )


@compiled
def _keep(draft: Draft, length: int, batch: Batch, row: int) -> None:
    """Of the normal form what there is room for: its beginning and its end."""
    width = batch.codes.shape[1]
    located = len(batch.origins) > 0
    size = draft.size[0]
    batch.seen[row] = min(size, width)
    batch.read[row] = length
    if size <= width:
        batch.codes[row, :size] = draft.codes[:size]
        if located:
            batch.origins[row, :size] = draft.origins[:size]
        return
    head = width // 3
    tail = width - 1 - head
    behind = draft.origins[size - tail] if tail else length
    batch.read[row] -= behind - draft.origins[head]
    batch.codes[row, :head] = draft.codes[:head]
    batch.codes[row, head] = GAP
    batch.codes[row, head + 1 :] = draft.codes[size - tail : size]
    if located:
        batch.origins[row, : head + 1] = draft.origins[: head + 1]
        batch.origins[row, head + 1 :] = draft.origins[size - tail : size]
