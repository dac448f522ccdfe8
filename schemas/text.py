"""Text as it is printed for people. JSON stays exact: none of this is for messages."""

from __future__ import annotations

import re

# RFC 3490, 3.1: full stops that a browser takes for the dots of a host name.
_DOTS = "[.\u3002\uff0e\uff61]"
_BARE_DOT = re.compile(rf"(?<!\[){_DOTS}|{_DOTS}(?!\])")
_WEB = re.compile(r"(?i)(h)tt(?=ps?:)")
_OTHER_SCHEME = re.compile(r"(?i)(?<!hxxp)(?<!hxxps)://")
_LEADING_HOST = re.compile(r"[^/?#\\\s]*")
_LATER_HOST = re.compile(r"(?<=[/\\]{2})[^/?#\\\s]+")


def visible(text: str) -> str:
    r"""``text`` with every character escaped that does not print as itself.

    These are control characters, the escape character, line separators, marks that turn the
    direction of writing, zero-width and other format characters, lone surrogates, private use
    and unassigned code points: all that `str.isprintable` denies. Backslashes stay as they are,
    so that Windows paths are readable; the result is for people, not for parsing back.

    >>> visible("a\x1b[31m\u202egpj.exe")
    'a\\x1b[31m\\u202egpj.exe'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    # Python's own notation; never more than one code point, so nothing is lost.
    return char.encode("unicode_escape").decode("ascii")


def defang(url: str) -> str:
    """``url`` so that neither eye nor terminal takes it for a link to follow.

    ``http`` becomes ``hxxp``; any other scheme loses its colon to ``[:]``; the dots of host
    names, those of further addresses inside too, become ``[.]``. Defanging twice is defanging
    once. Nothing is escaped: see `visible`.

    >>> defang("http://evil.example/a.php?next=https://b.example")
    'hxxp://evil[.]example/a.php?next=hxxps://b[.]example'
    >>> defang("evil.example/a.php")
    'evil[.]example/a.php'
    """
    harmless = _WEB.sub(r"\1xx", url)
    harmless = _OTHER_SCHEME.sub("[:]//", harmless)
    harmless = _LEADING_HOST.sub(_without_dots, harmless, count=1)
    return _LATER_HOST.sub(_without_dots, harmless)


def _without_dots(host: re.Match[str]) -> str:
    return _BARE_DOT.sub("[.]", host[0])


def shortened(text: str, max_length: int) -> str:
    """``text``, or its first ``max_length - 1`` characters and an ellipsis if it is longer."""
    return text if len(text) <= max_length else text[: max_length - 1] + "…"
