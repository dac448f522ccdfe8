"""The normal form of URLs as it is defined, in plain Python, a text at a time."""

from __future__ import annotations

import re
from typing import NamedTuple

PRINTABLE = "".join(chr(point) for point in range(33, 127) if not chr(point).isupper())
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
HOST, PATH, QUERY = 0, 1, 2

_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_HTTP = re.compile("(?:https?:(?=/))?/*")
_OTHER_SCHEME = re.compile("[a-z0-9+.-]+://")
_PORT = re.compile(r":[0-9]*\Z")
_BYTE = "(?:[0-9]{1,2}|[01][0-9]{2}|2[0-4][0-9]|25[0-5])"
_ADDRESS = re.compile(
    rf"(?:{_BYTE}(?:\.{_BYTE}){{3}}|\[(?:[0-9a-f.]*:){{2,}}[0-9a-f.]*\])(?::[0-9]*)?"
)


class Character(NamedTuple):
    """A character of the normal form, and where in the URL it was."""

    text: str
    part: int
    origin: int


class NormalForm(NamedTuple):
    """What is left of a URL, uncut."""

    characters: list[Character]
    silent: bool

    @property
    def codes(self) -> list[int]:
        return [code_of(character.text, character.part) for character in self.characters]

    def read(self, width: int, length: int) -> int:
        """Code points of the URL, of ``length``, that ``width`` codes tell of."""
        if len(self.characters) <= width:
            return length
        return self.characters[width].origin


def code_of(character: str, part: int) -> int:
    point = ord(character)
    if point >= 128:
        own = 69 + (point >> 7) % 10
    else:
        own = 1 + PRINTABLE.index(character) if character in PRINTABLE else 0
    return 1 + own + 79 * part


def normal_form(url: str) -> NormalForm:
    text, places = _unescaped(url)
    start = 0
    while start < len(text) and text[start] <= " ":
        start += 1
    end = len(text)
    while end > start and text[end - 1] <= " ":
        end -= 1
    http = _HTTP.match(text, start, end)
    start = http.end() if http else start
    end = next((i for i in range(start, end) if text[i] == "#"), end)
    query = next((i for i in range(start, end) if text[i] == "?"), end)
    scheme = _OTHER_SCHEME.match(text, start, end)
    host = scheme.end() if scheme else start
    host_end = next((i for i in range(host, end) if text[i] in "/?"), end)
    user_end = max((i + 1 for i in range(host, host_end) if text[i] == "@"), default=host)
    host, authority = user_end, text[user_end:host_end]
    port = _PORT.search(authority)
    if port and port[0] in {":", ":80", ":443"}:
        authority = authority[: port.start()]
    authority = authority.removesuffix(".")
    if re.match(r"(?s)www\..*\.", authority):
        authority, host = authority[4:], host + 4
    path_end = query - 1 if query > host_end and text[query - 1] == "/" else query
    query_end = query if end == query + 1 else end
    pieces = [
        (PATH, start, user_end),
        (HOST, host, host + len(authority)),
        (PATH, host_end, path_end),
        (QUERY, query, query_end),
    ]
    silent = (
        bool(_ADDRESS.fullmatch(authority))
        and host == user_end
        and all(first == last for part, first, last in pieces if part != HOST)
    )
    characters = [
        Character(text[i], part, places[i])
        for part, first, last in pieces
        for i in range(first, last)
    ]
    return NormalForm([] if silent else characters, silent)


def _unescaped(url: str) -> tuple[str, list[int]]:
    """Lower-cased, with slashes for backslashes, and where each character was."""
    characters, places, i = [], [], 0
    while i < len(url):
        character, places_of_it, step = url[i], i, 1
        escape = _ESCAPE.match(url, i)
        if escape and chr(int(escape[1], 16)) in UNRESERVED:
            character, step = chr(int(escape[1], 16)), 3
        if "A" <= character <= "Z":
            character = character.lower()
        characters.append("/" if character == "\\" else character)
        places.append(places_of_it)
        i += step
    return "".join(characters), places
