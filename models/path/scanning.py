"""Words and components of a text that has its codes: what the compiled loops look for.

``text`` is uint8[...], the codes of one text; ``at`` and ``end`` are places in it, and nothing
from ``end`` on is looked at. A word ends there or before a backslash.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from models.path.spellings import SPELLINGS

SEP = ord("\\")
HEX, DIGIT, ALPHANUMERIC = 1, 2, 4
NOT_FOUND = -1
_LETTERS, _BOUNDS = SPELLINGS.letters, SPELLINGS.bounds
_COLON, _FIRST_LETTER, _LAST_LETTER = (ord(c) for c in ":az")


def letters(word: str) -> NDArray[np.uint8]:
    """uint8[len(word)], the codes of a word in small letters."""
    return np.frombuffer(word.encode("ascii"), np.uint8)


def _kinds() -> NDArray[np.uint8]:
    kinds = np.zeros(256, np.uint8)
    kinds[letters("0123456789")] = HEX | DIGIT | ALPHANUMERIC
    kinds[letters("abcdef")] = HEX | ALPHANUMERIC
    kinds[letters("ghijklmnopqrstuvwxyz")] = ALPHANUMERIC
    return kinds


KINDS = _kinds()
"""uint8[256], what each code may be part of: ``HEX``, ``DIGIT``, ``ALPHANUMERIC``."""


@compiled
def past_seps(text: NDArray[np.uint8], at: int, end: int) -> int:
    """Past the backslashes that stand here, if any."""
    while at < end and text[at] == SEP:
        at += 1
    return at


@compiled
def past_component(text: NDArray[np.uint8], at: int, end: int) -> int:
    """Where the next backslash is, or the end."""
    while at < end and text[at] != SEP:
        at += 1
    return at


@compiled
def past_run(text: NDArray[np.uint8], at: int, end: int, kind: int) -> int:
    """Past the codes of a kind that stand here, if any."""
    while at < end and KINDS[text[at]] & kind:
        at += 1
    return at


@compiled
def ends(text: NDArray[np.uint8], at: int, end: int) -> bool:
    """Whether a word may end here."""
    return at == end or (at < end and text[at] == SEP)


@compiled
def spells(text: NDArray[np.uint8], at: int, end: int, word: NDArray[np.uint8]) -> bool:
    """Whether these codes stand here."""
    if at < 0 or at + len(word) > end:
        return False
    matched = 0
    while matched < len(word) and text[at + matched] == word[matched]:
        matched += 1
    return matched == len(word)


@compiled
def is_word(text: NDArray[np.uint8], at: int, end: int, word: NDArray[np.uint8]) -> bool:
    """Whether this word stands here."""
    return spells(text, at, end, word) and ends(text, at + len(word), end)


@compiled
def is_drive(text: NDArray[np.uint8], at: int, end: int) -> bool:
    """Whether a letter and a colon stand here."""
    return at + 1 < end and _FIRST_LETTER <= text[at] <= _LAST_LETTER and text[at + 1] == _COLON


@compiled
def which(text: NDArray[np.uint8], at: int, end: int, group: tuple[int, int]) -> int:
    """Which pair of a group has the word that stands here, or ``NOT_FOUND``."""
    for pair in range(group[0], group[1]):
        past = past_spelling(text, at, end, pair)
        if past != NOT_FOUND and ends(text, past, end):
            return pair
    return NOT_FOUND


@compiled
def past_spelling(text: NDArray[np.uint8], at: int, end: int, pair: int) -> int:
    """Where the first of a pair ends if it stands here, or ``NOT_FOUND``."""
    first, last = _BOUNDS[2 * pair], _BOUNDS[2 * pair + 1]
    if at + last - first > end:
        return NOT_FOUND
    for place in range(last - first):
        if text[at + place] != _LETTERS[first + place]:
            return NOT_FOUND
    return int(at + last - first)


@compiled
def meant(pair: int) -> NDArray[np.uint8]:
    """What the second of a pair is."""
    return _LETTERS[_BOUNDS[2 * pair + 1] : _BOUNDS[2 * pair + 2]]
