"""What is written in several ways, and the one way that the normal form has for it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Capitals are classes (`models.path.classes`): M and so on hives, D a drive, U a user's name.
HIVES = {
    "hklm": "M",
    "hkey_local_machine": "M",
    "hkcu": "C",
    "hkey_current_user": "C",
    "hkcr": "R",
    "hkey_classes_root": "R",
    "hku": "K",
    "hkey_users": "K",
    "hkcc": "F",
    "hkey_current_config": "F",
}
# Their values where nobody has moved a folder. Variables that mean another folder on each machine
# stay as they are.
VARIABLES = {
    "allusersprofile": "D\\programdata",
    "appdata": "D\\users\\U\\appdata\\roaming",
    "commonprogramfiles": "D\\program files\\common files",
    "commonprogramfiles(x86)": "D\\program files (x86)\\common files",
    "commonprogramw6432": "D\\program files\\common files",
    "comspec": "D\\windows\\system32\\cmd.exe",
    "homedrive": "D",
    "homepath": "D\\users\\U",
    "localappdata": "D\\users\\U\\appdata\\local",
    "programdata": "D\\programdata",
    "programfiles": "D\\program files",
    "programfiles(x86)": "D\\program files (x86)",
    "programw6432": "D\\program files",
    "public": "D\\users\\public",
    "systemdrive": "D",
    "systemroot": "D\\windows",
    "temp": "D\\users\\U\\appdata\\local\\temp",
    "tmp": "D\\users\\U\\appdata\\local\\temp",
    "userprofile": "D\\users\\U",
    "windir": "D\\windows",
}
# Where users' folders are, and which of those are nobody's. Windows has such junctions itself,
# for programs that know its older names.
PROFILES = {"users": "users", "documents and settings": "users", "docume~1": "users"}
NOBODY = {"public": "public", "default": "default", "default user": "default"}
ROAMING = {"application data": "appdata\\roaming", "applic~1": "appdata\\roaming"}
LOCAL = {"local settings": "appdata\\local", "locals~1": "appdata\\local"}


def variables_as_written() -> dict[str, str]:
    """``%name%``, ``$env:name`` and ``${env:name}`` of each; and ``%homedrive%%homepath%``."""
    forms = ("%{}%", "$env:{}", "${{env:{}}}")
    return {form.format(name): VARIABLES[name] for name in VARIABLES for form in forms} | {
        "%homedrive%%homepath%": VARIABLES["homepath"]
    }


class Spellings(NamedTuple):
    """Pairs of what is written and what is meant, in groups, for compiled loops.

    Attributes:
        letters: uint8[...], all of them, one behind the other: written, meant, written, ...
        bounds: int64[2 * pairs + 1], where each begins; the last is where they end.
        groups: The first pair of each group, and how many pairs there are.
    """

    letters: NDArray[np.uint8]
    bounds: NDArray[np.int64]
    groups: tuple[int, ...]


def packed(*groups: Mapping[str, str]) -> Spellings:
    """Groups of pairs, all ASCII."""
    words = [word for group in groups for pair in group.items() for word in pair]
    return Spellings(
        letters=np.frombuffer("".join(words).encode("ascii"), np.uint8),
        bounds=np.cumsum([0, *map(len, words)], dtype=np.int64),
        groups=tuple(accumulate(map(len, groups), initial=0)),
    )


SPELLINGS = packed(HIVES, variables_as_written(), PROFILES, NOBODY, ROAMING, LOCAL)
OF_HIVES, OF_VARIABLES, OF_PROFILES, OF_NOBODY, OF_ROAMING, OF_LOCAL = pairwise(SPELLINGS.groups)
"""The first pair of each group, and that of the next."""
