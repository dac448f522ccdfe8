r"""The codes that characters of paths and keys have, and those of what is put in their place.

The alphabet has 128 codes. A printable ASCII character is its own code once it is lower-case, so
that those of capitals are free, for classes: a normal form can be read, as in
``D\users\U\appdata``.

========== ========================================================================
code       stands for
========== ========================================================================
0          padding; no character has it
1          a control character (U+0000 to U+001F, U+007F)
2 to 31    a character beyond ASCII: 2 + (code point >> 7) mod 30, so that the
           128 characters of one block (Greek, Cyrillic, ...) share a code
32 to 126  printable ASCII but for capitals; ``/`` has the code of the backslash
``Q``      a character that is not seen: marks of writing direction (U+061C, U+200E,
           U+200F, U+202A to U+202E, U+2066 to U+2069), the soft hyphen, and those
           of no width (U+200B to U+200D, U+2060, U+FEFF). ``exe.\u202egpj`` reads ``jpg.exe``
capitals   classes: `models.path.featuriser`
========== ========================================================================

Letters are lower-cased one code point at a time (the simple mapping of Unicode, as Windows
compares names; U+0130 becomes ``i``), before they get a code.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

ALPHABET = 128
CONTROL = 1
FIRST_BLOCK = 2
BLOCKS = 30
INVISIBLE = ord("Q")
LAST_CODE_POINT = 0x10FFFF

_UNSEEN = (
    0x00AD,
    0x061C,
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    0x2060,
    *range(0x2066, 0x206A),
    0xFEFF,
)
# No planes but the first two have capitals.
_CAPITALS = range(0x20000)


@cache
def codes_of_code_points() -> NDArray[np.uint8]:
    """uint8[0x110000], the code of every code point; made when it is first asked for."""
    codes = (FIRST_BLOCK + (np.arange(LAST_CODE_POINT + 1) >> 7) % BLOCKS).astype(np.uint8)
    codes[:128] = np.arange(128)
    codes[:32] = CONTROL
    codes[127] = CONTROL
    codes[ord("/")] = ord("\\")
    for capital in map(chr, _CAPITALS):
        small = capital.lower()
        if small != capital:
            codes[ord(capital)] = codes[ord(small[0])]
    codes[list(_UNSEEN)] = INVISIBLE
    return codes


def spelled(code: int) -> tuple[str, str]:
    """What a code stands for, "" where that is many characters, and the group it is of."""
    character = chr(code)
    if character == " ":
        return "\N{OPEN BOX}", "marks"
    if not (character.isascii() and character.isprintable()):
        return "", "other"
    if character.isupper():
        return character, "classes"
    if character.isalpha():
        return character, "letters"
    return character, "digits" if character.isdigit() else "marks"
