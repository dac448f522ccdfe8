"""Hand-made features of URLs, in the manner of the lexical detectors before networks.

Such lists are as old as Ma et al. 2009 (doi 10.1145/1557019.1557153): lengths, counts, the parts
of the host, words of log-in pages. The scheme and `www` are left out, since they carry no meaning.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.training.baselines.boosting import HandMade
from models.training.baselines.counting import bucket, digits, entropy, extension, hexadecimal
from models.url.changes import split

WORDS = (
    *("login", "signin", "account", "secure", "verify", "update", "bank", "pay", "wallet"),
    *("confirm", "support", "service", "webscr", "password", "admin", "wp-", "redirect"),
)
_ADDRESS = re.compile(r"[0-9.]+|\[.*\]")
_TOKEN = re.compile(r"[\w%]+")
NAMES = (
    *("length", "host length", "path length", "query length", "fragment length"),
    *("host labels", "longest label", "registered length", "host digits", "host dashes"),
    *("host entropy", "vowels of the host", "is an address", "port", "user", "beyond ASCII"),
    *("suffix", "second label", "depth", "longest token", "path digits", "path entropy"),
    *("hexadecimal run", "extension", "percent signs", "parameters", "equals signs", "capitals"),
    *("words", "tilde", "double slashes", "dots in the path", "dashes in the path", "underscores"),
)
CLASSES = frozenset(("suffix", "second label", "extension"))


def row(url: str) -> Sequence[float]:
    """The numbers of one URL, in the order of ``NAMES``."""
    parts = split(url)
    host = parts.host.lower().removeprefix("www.")
    labels = host.split(".")
    path, query = parts.path, parts.query
    lowered = f"{host}{path}{query}".lower()
    second = labels[-2] if len(labels) > 1 else ""
    return (
        len(lowered),
        len(host),
        len(path),
        len(query),
        len(parts.fragment),
        len(labels),
        max(map(len, labels)),
        len(second),
        digits(host),
        host.count("-"),
        entropy(host),
        sum(map(host.count, "aeiou")),
        bool(_ADDRESS.fullmatch(host)),
        ":" in parts.authority.rpartition("@")[2],
        "@" in parts.authority,
        not url.isascii(),
        bucket(labels[-1]),
        bucket(second),
        path.count("/"),
        max(map(len, _TOKEN.findall(path)), default=0),
        digits(path),
        entropy(path),
        hexadecimal(path),
        bucket(extension(path.rpartition("/")[2])),
        url.count("%"),
        query.count("&"),
        query.count("="),
        sum(map(str.isupper, path)),
        sum(word in lowered for word in WORDS),
        path.count("~"),
        path.count("//"),
        path.count("."),
        path.count("-"),
        path.count("_"),
    )


URL_FEATURES = HandMade(names=NAMES, classes=CLASSES, row=row)
