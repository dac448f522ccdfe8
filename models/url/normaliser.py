r"""URLs as the network reads them: what carries no meaning is taken away, in one compiled pass.

Training and serving share it. What is done, in order:

1. Percent-escapes of unreserved characters (RFC 3986, 6.2.2.2: letters, digits, ``-._~``) are
   decoded, once; letters of ASCII become lower case; ``\`` is ``/`` (as browsers take it, WHATWG
   URL).
2. White space and control characters (to U+0020) before and after are left out.
3. ``http:`` and ``https:`` before a slash, with the slashes that follow, are left out, as are
   slashes before a host without scheme. Other schemes stay, and count as part of the path.
4. In the authority (up to the first ``/``, ``?`` or ``#``) these are left out: a port that is
   empty, 80 or 443; then the last dot, if it stands at the end; a leading ``www.`` when a dot
   follows later.
5. The fragment is left out: it never leaves the browser, and whoever wants may add one.
6. One slash at the end of the path is left out, and the ``?`` of an empty query.

Every character that is left has a code: 1 + class + ``CLASSES`` x part, where part is 0 in the
host and port, 1 in the path (and in ``user@``, which is no host), 2 in the query:

======== ======================================================================
class    stands for
======== ======================================================================
0        a control character or white space
1 to 68  printable ASCII but for capitals, by code point
69 to 78 a character beyond ASCII: 69 + (code point >> 7) mod 10, so that the
         128 characters of one block (Greek, Cyrillic, ...) share a class
======== ======================================================================

A URL that is an IP address and nothing else says nothing either way: it gets no codes at all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled

ASCII_CLASSES = 69
BLOCKS = 10
CLASSES = ASCII_CLASSES + BLOCKS
PARTS = 3
ALPHABET = 1 + CLASSES * PARTS
HOST, PATH, QUERY = range(PARTS)
_PIECES = 4

FEWEST_COLONS = 2
BYTES_OF_IPV4, LONGEST_BYTE, LARGEST_BYTE = 4, 3, 255

_SPACE, _LOWER = 0x20, 0x20
_SLASH, _BACKSLASH, _QUESTION, _HASH, _COLON = (ord(c) for c in "/\\?#:")
_AT, _DOT, _PERCENT, _OPEN, _CLOSE = (ord(c) for c in "@.%[]")
_PLUS, _DASH, _UNDERSCORE, _TILDE = (ord(c) for c in "+-_~")
_0, _9, _A, _Z = (ord(c) for c in "09AZ")
_LOWER_A, _LOWER_F, _LOWER_Z = (ord(c) for c in "afz")


def _points(text: str) -> NDArray[np.uint32]:
    return np.array([ord(c) for c in text], np.uint32)


_HTTP, _HTTPS, _WWW = _points("http:"), _points("https:"), _points("www.")
_80, _443 = _points("80"), _points("443")


def _class_of_every_ascii() -> NDArray[np.uint8]:
    classes = np.zeros(128, np.uint8)
    kept = [c for c in range(33, 127) if not chr(c).isupper()]
    classes[kept] = np.arange(1, ASCII_CLASSES)
    classes[ord("A") : ord("Z") + 1] = classes[ord("a") : ord("z") + 1]
    return classes


_ASCII = _class_of_every_ascii()


def code_of(character: str, part: int) -> int:
    """The code of a printable character of ASCII, or of its lower-case form."""
    return 1 + CLASSES * part + int(_ASCII[ord(character)])


def spelled(code: int) -> tuple[str, str]:
    """The character of a code, "" where it has several, and the part of the URL."""
    if not code:
        return "", "padding"
    part, class_ = divmod(code - 1, CLASSES)
    found = np.flatnonzero(class_ == _ASCII)
    character = chr(found[-1]) if 0 < class_ < ASCII_CLASSES else ""
    return character.lower(), ("host", "path", "query")[part]


@compiled
def normalise(
    points: NDArray[np.uint32],
    bounds: NDArray[np.int64],
    codes: NDArray[np.uint8],
    origins: NDArray[np.int32],
    ends: NDArray[np.int32],
    seen: NDArray[np.int32],
    read: NDArray[np.int64],
    silent: NDArray[np.bool_],
) -> None:  # pragma: no cover - compiled
    """Fill the columns of n texts.

    Args:
        points: uint32, code points of all texts behind one another.
        bounds: int64[n + 1], where each begins, and the end of the last.
        codes: uint8[n, width], zeros.
        origins: int32[n, width], or of no rows, and is left as it is.
        ends: As ``origins``.
        seen: int32[n].
        read: int64[n].
        silent: bool[n].
    """
    located = len(origins) > 0
    longest = 0
    for row in range(len(seen)):
        longest = max(longest, bounds[row + 1] - bounds[row])
    text = np.empty(longest, np.uint32)
    places = np.empty(longest + 1, np.int32)
    pieces = np.empty((_PIECES, 3), np.int64)
    for row in range(len(seen)):
        original = points[bounds[row] : bounds[row + 1]]
        silent[row] = _cut_up(text, _unescape(original, text, places), pieces)
        read[row] = len(original)
        seen[row] = 0
        if silent[row]:
            continue
        count = 0
        for piece in range(_PIECES):
            part, first, last = pieces[piece, 0], pieces[piece, 1], pieces[piece, 2]
            kept = min(last, first + codes.shape[1] - count)
            for i in range(first, kept):
                codes[row, count] = 1 + CLASSES * part + _class(text[i])
                if located:
                    origins[row, count] = places[i]
                    ends[row, count] = places[i + 1]
                count += 1
            if kept < last:
                read[row] = places[kept]
                break
        seen[row] = count


@compiled
def _cut_up(text: NDArray[np.uint32], end: int, pieces: NDArray[np.int64]) -> bool:
    """Find the pieces of a URL that say something, in their order: part, first, last.

    Returns:
        Whether it is an IP address and nothing else.
    """
    start = 0
    while start < end and text[start] <= _SPACE:
        start += 1
    while end > start and text[end - 1] <= _SPACE:
        end -= 1
    start = _after_http(text, start, end)
    host = _after_scheme(text, start, end)
    host_end = _first_of(text, host, end, True)
    path_end = _first_of(text, host_end, end, False)
    query_end = path_end
    while query_end < end and text[query_end] != _HASH:
        query_end += 1
    if query_end == path_end + 1:
        query_end = path_end
    for i in range(host, host_end):
        if text[i] == _AT:
            host = i + 1
    before_host = host
    host, port_end = _host(text, host, host_end)
    slash = path_end
    if slash > host_end and text[slash - 1] == _SLASH:
        slash -= 1
    _set(pieces[0], PATH, start, before_host)
    _set(pieces[1], HOST, host, port_end)
    _set(pieces[2], PATH, host_end, slash)
    _set(pieces[3], QUERY, path_end, query_end)
    return (
        before_host == start == host
        and slash == host_end
        and query_end == path_end
        and _is_address(text, host, port_end)
    )


@compiled
def _set(piece: NDArray[np.int64], part: int, first: int, last: int) -> None:
    piece[0] = part
    piece[1] = first
    piece[2] = last


@compiled
def _unescape(
    original: NDArray[np.uint32], text: NDArray[np.uint32], places: NDArray[np.int32]
) -> int:
    """Undo escapes of unreserved characters and case; tell where each was, and the end."""
    count, i = 0, 0
    while i < len(original):
        point, length = original[i], 1
        if point == _PERCENT and i + 2 < len(original):
            high, low = _hexadecimal(original[i + 1]), _hexadecimal(original[i + 2])
            if high >= 0 and low >= 0 and _is_unreserved(16 * high + low):
                point, length = np.uint32(16 * high + low), 3
        if _A <= point <= _Z:
            point += np.uint32(_LOWER)
        elif point == _BACKSLASH:
            point = np.uint32(_SLASH)
        text[count] = point
        places[count] = i
        count += 1
        i += length
    places[count] = i
    return count


@compiled
def _is_digit(point: int) -> bool:
    return _0 <= point <= _9


@compiled
def _hexadecimal(point: int) -> int:
    """Value of a hexadecimal digit, or -1."""
    value = int(point)
    if _0 <= value <= _9:
        return value - _0
    value |= _LOWER
    return value - _LOWER_A + 10 if _LOWER_A <= value <= _LOWER_F else -1


@compiled
def _is_unreserved(point: int) -> bool:
    return (
        _LOWER_A <= (point | _LOWER) <= _LOWER_Z
        or _0 <= point <= _9
        or point in (_DASH, _DOT, _UNDERSCORE, _TILDE)
    )


@compiled
def _class(point: int) -> int:
    return _ASCII[point] if point < len(_ASCII) else ASCII_CLASSES + (point >> 7) % BLOCKS


@compiled
def _after_http(text: NDArray[np.uint32], start: int, end: int) -> int:
    """Where a URL begins but for ``http:`` or ``https:``, and slashes."""
    for scheme in (_HTTPS, _HTTP):
        after = start + len(scheme)
        if after < end and text[after] == _SLASH and _starts_with(text, start, scheme):
            start = after
            break
    while start < end and text[start] == _SLASH:
        start += 1
    return start


@compiled
def _after_scheme(text: NDArray[np.uint32], start: int, end: int) -> int:
    """Where the authority of ``scheme://authority`` begins, or ``start``."""
    i = start
    while i < end and (
        _LOWER_A <= text[i] <= _LOWER_Z or _is_digit(text[i]) or text[i] in (_PLUS, _DASH, _DOT)
    ):
        i += 1
    is_scheme = i > start and i + 2 < end and text[i] == _COLON
    return i + 3 if is_scheme and text[i + 1] == _SLASH and text[i + 2] == _SLASH else start


@compiled
def _starts_with(text: NDArray[np.uint32], start: int, given: NDArray[np.uint32]) -> bool:
    matched = 0
    while matched < len(given) and text[start + matched] == given[matched]:
        matched += 1
    return matched == len(given)


@compiled
def _first_of(text: NDArray[np.uint32], start: int, end: int, slashes: bool) -> int:
    """The first ``?`` or ``#``, or slash where those count, else ``end``."""
    for i in range(start, end):
        if text[i] in (_QUESTION, _HASH) or (slashes and text[i] == _SLASH):
            return i
    return end


@compiled
def _port(text: NDArray[np.uint32], start: int, end: int) -> int:
    """Where the colon of a port stands, or ``end``."""
    first = end
    while first > start and _is_digit(text[first - 1]):
        first -= 1
    return first - 1 if first > start and text[first - 1] == _COLON else end


@compiled
def _host(text: NDArray[np.uint32], start: int, end: int) -> tuple[int, int]:
    """Host and port, without what says nothing of them."""
    colon = _port(text, start, end)
    if colon < end:
        digits = end - colon - 1
        is_80 = digits == len(_80) and _starts_with(text, colon + 1, _80)
        is_443 = digits == len(_443) and _starts_with(text, colon + 1, _443)
        if digits == 0 or is_80 or is_443:
            end = colon
    if end > start and text[end - 1] == _DOT:
        end -= 1
    if end - start > len(_WWW) and _starts_with(text, start, _WWW):
        for i in range(start + len(_WWW), end):
            if text[i] == _DOT:
                return start + len(_WWW), end
    return start, end


@compiled
def _is_address(text: NDArray[np.uint32], start: int, end: int) -> bool:
    """Whether a host, with or without a port, is an IPv4 or a bracketed IPv6 address."""
    end = _port(text, start, end)
    if end > start and text[start] == _OPEN and text[end - 1] == _CLOSE:
        colons = 0
        for i in range(start + 1, end - 1):
            if text[i] == _COLON:
                colons += 1
            elif _hexadecimal(text[i]) < 0 and text[i] != _DOT:
                return False
        return colons >= FEWEST_COLONS
    numbers, digits, value = 1, 0, 0
    for i in range(start, end):
        if _is_digit(text[i]):
            digits += 1
            value = 10 * value + int(text[i]) - _0
            if digits > LONGEST_BYTE or value > LARGEST_BYTE:
                return False
        elif text[i] == _DOT and digits > 0:
            numbers += 1
            digits, value = 0, 0
        else:
            return False
    return numbers == BYTES_OF_IPV4 and digits > 0
