"""What paths and keys begin with: hives, drives, devices, variables; for compiled loops."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from models.path.classes import (
    APPLICATION,
    CURRENT_USER,
    DEVICE,
    DRIVE,
    MACHINE,
    NETWORK,
    USERS,
)
from models.path.draft import Draft, put, put_all
from models.path.identifiers import GUID, guid, sid
from models.path.scanning import (
    DIGIT,
    NOT_FOUND,
    ends,
    is_drive,
    is_word,
    letters,
    meant,
    past_run,
    past_seps,
    past_spelling,
    spells,
    which,
)
from models.path.spellings import OF_HIVES, OF_VARIABLES

_REGISTRY, _MACHINE, _USER, _APPLICATION = (
    letters(word) for word in ("registry", "machine", "user", "a")
)
_COMPUTER, _POWERSHELL, _PROVIDER = (
    letters(word) for word in ("computer", "microsoft.powershell.core", "registry::")
)
_CLASSES, _SOFTWARE_CLASSES = letters("_classes"), letters("\\software\\classes")
_MARKS = (letters("?"), letters("??"), letters("."), letters("global??"))
_UNC, _VOLUME, _DEVICE, _DISK, _REDIRECTOR = (
    letters(word) for word in ("unc", "volume{", "device", "harddiskvolume", "mup")
)
_SYSTEM_ROOT, _WINDOWS = letters("systemroot"), letters("D\\windows")
_COLON, _CLOSE, _PERCENT, _DOLLAR = letters(":}%$")


@compiled
def put_root(draft: Draft, text: NDArray[np.uint8], end: int) -> tuple[int, int]:
    """Append what the text begins with.

    Returns:
        Its last code (0 when it begins with nothing in particular), and where it ends.
    """
    hive, begin, past = _hive(text, end)
    if hive:
        return _put_hive(draft, text, end, hive, begin, past)
    at = past_seps(text, 0, end)
    if at and is_word(text, at, end, _SYSTEM_ROOT):
        put_all(draft, _WINDOWS, 0)
        return _WINDOWS[-1], at + len(_SYSTEM_ROOT)
    volume, past = _volume(text, at, end)
    if volume:
        put(draft, volume, 0)
        return volume, past
    if end and (text[0] == _PERCENT or text[0] == _DOLLAR):
        variable = which(text, 0, end, OF_VARIABLES)
        if variable != NOT_FOUND:
            put_all(draft, meant(variable), 0)
            return draft.codes[draft.size[0] - 1], past_spelling(text, 0, end, variable)
    return 0, 0


@compiled
def _hive(text: NDArray[np.uint8], end: int) -> tuple[int, int, int]:
    """The class of the hive that the text begins with, or 0; where its name begins and ends."""
    at = past_seps(text, 0, end)
    if at:
        hive, past = _kernel_hive(text, at, end)
        return hive, 0, past
    for before in (_COMPUTER, _POWERSHELL):
        if is_word(text, at, end, before):
            at = past_seps(text, at + len(before), end)
    if spells(text, at, end, _PROVIDER):
        at += len(_PROVIDER)
    for pair in range(OF_HIVES[0], OF_HIVES[1]):
        past = past_spelling(text, at, end, pair)
        if past != NOT_FOUND:
            if past < end and text[past] == _COLON:
                past += 1
            if ends(text, past, end):
                return meant(pair)[0], at, past
    return 0, 0, 0


@compiled
def _kernel_hive(text: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    r"""The class of a hive as the kernel names it, or 0, and where the name ends.

    ``at`` is behind the backslashes before ``registry``.
    """
    name = past_seps(text, at + len(_REGISTRY), end)
    if is_word(text, at, end, _REGISTRY):
        if is_word(text, name, end, _MACHINE):
            return MACHINE, name + len(_MACHINE)
        if is_word(text, name, end, _USER):
            return USERS, name + len(_USER)
        if is_word(text, name, end, _APPLICATION):
            return APPLICATION, name + len(_APPLICATION)
    return 0, 0


@compiled
def _put_hive(
    draft: Draft, text: NDArray[np.uint8], end: int, hive: int, begin: int, past: int
) -> tuple[int, int]:
    """Append a hive; that of one user by his SID is the current user's."""
    if hive == USERS:
        long, behind = sid(text, past_seps(text, past, end), end)
        if long and ends(text, behind, end):
            put(draft, CURRENT_USER, begin)
            return CURRENT_USER, behind
        if long and is_word(text, behind, end, _CLASSES):
            put(draft, CURRENT_USER, begin)
            put_all(draft, _SOFTWARE_CLASSES, behind)
            return CURRENT_USER, behind + len(_CLASSES)
    put(draft, hive, begin)
    return hive, past


@compiled
def _volume(text: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """``DRIVE``, ``NETWORK`` or ``DEVICE`` (or 0), and where that ends.

    ``at`` is behind the backslashes that the text begins with, if any.
    """
    if at == 0:
        return (DRIVE, 2) if is_drive(text, 0, end) else (0, 0)
    for mark in _MARKS:
        if is_word(text, at, end, mark) and at + len(mark) < end:
            return _marked(text, past_seps(text, at + len(mark), end), end)
    if is_word(text, at, end, _DEVICE):
        name = past_seps(text, at + len(_DEVICE), end)
        number = name + len(_DISK)
        past = past_run(text, number, end, DIGIT)
        if spells(text, name, end, _DISK) and past > number and ends(text, past, end):
            return DRIVE, past
        if is_word(text, name, end, _REDIRECTOR) and name + len(_REDIRECTOR) < end:
            return NETWORK, past_seps(text, name + len(_REDIRECTOR), end)
    return (NETWORK, at) if at > 1 else (0, 0)


@compiled
def _marked(text: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    r"""Likewise, of what follows ``\\?\`` and the like."""
    if is_drive(text, at, end) and ends(text, at + 2, end):
        return DRIVE, at + 2
    if spells(text, at, end, _VOLUME) and guid(text, at + len(_VOLUME), end):
        past = at + len(_VOLUME) + GUID
        if past < end and text[past] == _CLOSE and ends(text, past + 1, end):
            return DRIVE, past + 1
    if is_word(text, at, end, _UNC) and at + len(_UNC) < end:
        return NETWORK, past_seps(text, at + len(_UNC), end)
    return DEVICE, at
