"""GUIDs, SIDs, hexadecimal runs and numbers in a component, for compiled loops.

Where a function looks at one place and finds nothing, it says so with class 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from models.path.classes import (
    ANY_DIGIT,
    BROKEN_GUID,
    HEX_8,
    HEX_16,
    HEX_32,
    HEX_64,
    NUMBER,
    RANDOM_GUID,
    SID,
    TIMED_GUID,
    VERSIONED_GUID,
)
from models.path.draft import Draft
from models.path.scanning import ALPHANUMERIC, DIGIT, HEX, KINDS, letters, past_run, spells

# Of a GUID as text: its length, that of its first group, and where its dashes, its version and
# its variant stand.
GUID, FIRST_GROUP, DASHES, VERSION, VARIANT = 36, 8, (8, 13, 18, 23), 14, 19
# RFC 9562 knows the versions 1 to 8; 4 is random, and 1 and 2 come from a clock. Of its variant
# the first digit is 8, 9, a or b.
NEWEST_VERSION, RANDOM_VERSION, LAST_TIMED = 8, 4, 2
# COM's own interfaces all have this end.
_COM, _COM_AT = letters("-c000-000000000046"), 18
_0, _8, _9, _A, _B = letters("089ab")
_DASH, _OPEN, _CLOSE, _S = letters("-{}s")

_SID, _USERS_OF_MACHINE, _SEVEN_ZIP = letters("s-1-"), letters("-21-"), letters("7zo")
LONG_SID = 4
SHORTEST_HEX, FEWEST_DIGITS = 8, 4


@compiled
def guid(text: NDArray[np.uint8], at: int, end: int) -> int:
    """The class of the GUID that begins here, braces aside, or 0."""
    if not _is_guid(text, at, end):
        return 0
    version, variant = np.int64(text[at + VERSION]) - _0, text[at + VARIANT]
    if spells(text, at + _COM_AT, end, _COM):
        return TIMED_GUID
    if variant not in (_8, _9, _A, _B) or not 1 <= version <= NEWEST_VERSION:
        return BROKEN_GUID
    if version == RANDOM_VERSION:
        return RANDOM_GUID
    return TIMED_GUID if version <= LAST_TIMED else VERSIONED_GUID


@compiled
def _is_guid(text: NDArray[np.uint8], at: int, end: int) -> bool:
    if at + GUID > end or (at + GUID < end and KINDS[text[at + GUID]] & HEX):
        return False
    for place in range(GUID):
        code = text[at + place]
        if code != _DASH if place in DASHES else not KINDS[code] & HEX:
            return False
    return True


@compiled
def sid(text: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """``SID``, if a long one begins here, and where the one that begins here ends (or ``at``)."""
    authority = past_run(text, at + len(_SID), end, DIGIT)
    if not spells(text, at, end, _SID) or authority == at + len(_SID):
        return 0, at
    past, numbers = authority, 0
    while past < end and text[past] == _DASH:
        number = past_run(text, past + 1, end, DIGIT)
        if number == past + 1:
            break
        past, numbers = number, numbers + 1
    of_machine = numbers > 1 and spells(text, authority, past, _USERS_OF_MACHINE)
    return (SID if of_machine or numbers >= LONG_SID else 0), past


@compiled
def hexadecimal(text: NDArray[np.uint8], at: int, past: int) -> int:
    """The class of a run of hexadecimal digits; 0 when too short, all letters or all digits."""
    length = past - at
    if length < SHORTEST_HEX:
        return 0
    digits = 0
    for place in range(at, past):
        digits += (KINDS[text[place]] & DIGIT) != 0
    if digits in (0, length):
        return 0
    if length < 2 * SHORTEST_HEX:
        return HEX_8
    if length < 4 * SHORTEST_HEX:
        return HEX_16
    return HEX_32 if length < 8 * SHORTEST_HEX else HEX_64


@compiled
def identifier(text: NDArray[np.uint8], begin: int, at: int, end: int) -> tuple[int, int]:
    """The class of the identifier that begins at ``at``, or 0, and where it ends.

    Args:
        text: The codes of the text.
        begin: Where the component begins.
        at: A place in it.
        end: Where the component ends.
    """
    kind = KINDS[text[at]]
    before = KINDS[text[at - 1]] if at > begin else 0
    if text[at] == _OPEN and at + GUID + 1 < end and text[at + GUID + 1] == _CLOSE:
        return guid(text, at + 1, end), at + GUID + 2
    if kind & HEX and not before & HEX:
        past = past_run(text, at, end, HEX)
        if past == at + FIRST_GROUP:
            bare = guid(text, at, end)
            if bare:
                return bare, at + GUID
        if not before & ALPHANUMERIC or (
            at - len(_SEVEN_ZIP) >= begin and spells(text, at - len(_SEVEN_ZIP), end, _SEVEN_ZIP)
        ):
            bounded = past == end or not KINDS[text[past]] & ALPHANUMERIC
            run = hexadecimal(text, at, past) if bounded else 0
            if run:
                return run, past
    if kind & DIGIT and not before & DIGIT:
        past = past_run(text, at, end, DIGIT)
        return (NUMBER if past - at >= FEWEST_DIGITS else 0), past
    return 0, at


@compiled
def put_component(draft: Draft, text: NDArray[np.uint8], begin: int, end: int) -> None:
    """Append a component, with classes in place of its identifiers."""
    # The draft is taken apart and put together again outside the loop: every access to an array of
    # a tuple counts references, which takes longer than the rest.
    codes, origins, size = draft.codes, draft.origins, draft.size[0]
    at = begin
    before = 0
    while at < end:
        code = text[at]
        kind = KINDS[code]
        past, found = at, 0
        # Most characters begin no identifier.
        if (
            (kind & HEX and not before & HEX)
            or code == _OPEN
            or (kind & DIGIT and not before & DIGIT)
        ):
            found, past = identifier(text, begin, at, end)
        elif code == _S and not before & ALPHANUMERIC:
            found, past = sid(text, at, end)
            if past > at and not found:
                for place in range(at, past):
                    codes[size] = text[place]
                    origins[size] = place
                    size += 1
                at, before = past, KINDS[text[past - 1]]
                continue
        if not found:
            past, found = at + 1, (ANY_DIGIT if kind & DIGIT else code)
        codes[size] = found
        origins[size] = at
        size += 1
        before = KINDS[text[past - 1]]
        at = past
    draft.size[0] = size
