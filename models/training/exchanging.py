"""Names with some characters exchanged for others of their kind, for texts that are invented."""

from __future__ import annotations

import numpy as np

_LETTERS, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"
_MOST = 4


def exchanged(name: str, random: np.random.Generator) -> str:
    """One to four letters for letters, digits for digits; all else stays."""
    if not name:
        return name
    characters = list(name)
    for place in random.integers(0, len(name), int(random.integers(1, _MOST + 1))):
        kind = _DIGITS if characters[place].isdigit() else _LETTERS
        if characters[place].isalnum():
            characters[place] = kind[int(random.integers(0, len(kind)))]
    return "".join(characters)
