"""Changes of URLs to test a network with: what carries no meaning, and what only looks harmless.

Each is a function from URL to URL that gives back what it does not apply to. The parts are those
of RFC 3986, with the scheme left away where telemetry leaves it away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

_PARTS = re.compile(
    r"(?s)(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?P<authority>[^/?#\\]*)"
    r"(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?P<fragment>\#.*)?"
)
_ADDRESS = re.compile(r"\[.*\]|[0-9]+(?:\.[0-9]+){3}")
_PORT = re.compile(r":[0-9]*$")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
# Every fifth letter of the path: enough that most paths change, and all of them stay readable.
_ENCODED_EVERY = 5


class UrlParts(NamedTuple):
    """A URL in parts that join to it again."""

    scheme: str
    authority: str
    path: str
    query: str
    fragment: str

    @property
    def host(self) -> str:
        """Of the authority, without user and port."""
        return _PORT.sub("", self.authority.rpartition("@")[2])

    def __str__(self) -> str:
        scheme = f"{self.scheme}://" if self.scheme else ""
        return f"{scheme}{self.authority}{self.path}{self.query}{self.fragment}"


def split(url: str) -> UrlParts:
    """Any text in parts; a query and a fragment keep their first character.

    >>> split("https://a.example:8080/b?c#d")
    UrlParts(scheme='https', authority='a.example:8080', path='/b', query='?c', fragment='#d')
    """
    found = _PARTS.fullmatch(url)
    # The expression takes any text: every part may be empty, and the last takes the rest.
    return UrlParts(
        **{part: text or "" for part, text in found.groupdict().items()} if found else {}
    )


def _without_scheme(url: str) -> str:
    parts = split(url)
    return str(parts._replace(scheme="")) if parts.authority else url


def _other_scheme(url: str) -> str:
    parts = split(url)
    other = {"http": "https", "https": "http", "": "https"}.get(parts.scheme.lower())
    # A default port belongs to one scheme only.
    if other is None or not parts.authority or parts.authority != parts.host:
        return url
    return str(parts._replace(scheme=other))


def _other_www(url: str) -> str:
    parts = split(url)
    host = parts.host
    if not host or "@" in parts.authority or _ADDRESS.fullmatch(host):
        return url
    if host.lower().startswith("www."):
        rest = parts.authority[len("www.") :]
        return str(parts._replace(authority=rest)) if "." in rest else url
    return str(parts._replace(authority=f"www.{parts.authority}"))


def _upper_host(url: str) -> str:
    parts = split(url)
    user, at, host = parts.authority.rpartition("@")
    return str(parts._replace(authority=f"{user}{at}{_ascii_upper(host)}"))


def _other_slash(url: str) -> str:
    parts = split(url)
    if parts.query or parts.fragment or not parts.authority:
        return url
    if parts.path.endswith("/"):
        return str(parts._replace(path=parts.path[:-1]))
    if "." in parts.path.rpartition("/")[2]:
        return url
    return str(parts._replace(path=f"{parts.path}/"))


def _encoded_letters(url: str) -> str:
    parts = split(url)
    letters = 0

    def encoded(found: re.Match[str]) -> str:
        nonlocal letters
        if len(found[0]) > 1:
            return found[0]
        letters += 1
        return found[0] if letters % _ENCODED_EVERY else f"%{ord(found[0]):02X}"

    return str(parts._replace(path=re.sub("%[0-9A-Fa-f]{2}|[A-Za-z]", encoded, parts.path)))


def _default_port(url: str) -> str:
    parts = split(url)
    port = _DEFAULT_PORTS.get(parts.scheme.lower())
    if port is None or not parts.host or parts.authority != parts.host:
        return url
    return str(parts._replace(authority=f"{parts.authority}{port}"))


def _ascii_upper(text: str) -> str:
    # Other letters may change their number (a sharp s becomes two) and with it the host.
    return re.sub("[a-z]+", lambda found: found[0].upper(), text)


def _query(added: str) -> Callable[[str], str]:
    def add(url: str) -> str:
        parts = split(url)
        return str(parts._replace(query=f"{parts.query}&{added}" if parts.query else f"?{added}"))

    return add


def _fragment(added: str) -> Callable[[str], str]:
    def add(url: str) -> str:
        parts = split(url)
        return str(parts._replace(fragment=f"#{added}"))

    return add


def _at_the_end(added: str) -> Callable[[str], str]:
    def add(url: str) -> str:
        parts = split(url)
        return str(parts._replace(path=f"{parts.path.rstrip('/')}/{added}"))

    return add


def _first_in_path(added: str) -> Callable[[str], str]:
    def add(url: str) -> str:
        parts = split(url)
        return str(parts._replace(path=f"/{added}{parts.path or '/'}"))

    return add


def _subdomain(added: str) -> Callable[[str], str]:
    def add(url: str) -> str:
        parts = split(url)
        if "@" in parts.authority or _ADDRESS.fullmatch(parts.host):
            return url
        host = re.sub("(?i)^www[.]", "", parts.authority)
        return str(parts._replace(authority=f"{added}.{host}"))

    return add


MEANINGLESS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "no scheme": _without_scheme,
        "the other scheme": _other_scheme,
        "with or without www": _other_www,
        "host in upper case": _upper_host,
        "with or without a trailing slash": _other_slash,
        "letters percent-encoded": _encoded_letters,
        "default port": _default_port,
        "all in lower case": str.lower,
    }
)
"""Changes under which a URL means the same. Lower case is what some proxies make of it."""

ADDITIONS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "query `v=1.js`": _query("v=1.js"),
        "query `utm_source=google`": _query("utm_source=google&utm_medium=cpc"),
        "fragment `#main-content`": _fragment("main-content"),
        "`/logo.png` at the end": _at_the_end("logo.png"),
        "`/jquery.min.js` at the end": _at_the_end("assets/js/jquery.min.js"),
        "`/index.html` at the end": _at_the_end("index.html"),
        "a brand in the path": _first_in_path("www.microsoft.com/en-us"),
        "`/static/` in the path": _first_in_path("static/images"),
        "subdomain `cdn`": _subdomain("cdn"),
    }
)
"""Additions that whoever owns the host can make without cost, and that look harmless."""
