"""Hand-made features of Windows paths and registry keys; case carries no meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.training.baselines.boosting import HandMade
from models.training.baselines.counting import bucket, digits, entropy, extension, hexadecimal

FOLDERS = (
    *("\\temp\\", "\\appdata\\local", "\\appdata\\roaming", "\\users\\public", "\\downloads"),
    *(
        "\\windows\\system32",
        "\\windows\\syswow64",
        "\\program files",
        "\\programdata",
        "\\startup",
    ),
    *("\\tasks", "\\currentversion\\run", "\\services\\", "\\image file execution", "\\policies"),
    *("\\classes\\", "\\winlogon", "\\explorer"),
)
_HIVE = re.compile(r"(?i)(?:HK[A-Z_]+|\\registry\\)")
NAMES = (
    *("length", "depth", "folder length", "name length", "name digits", "name entropy"),
    *("name dots", "name dashes", "name underscores", "name spaces", "name letters"),
    *("extension", "name", "parent", "first folders", "hexadecimal run", "digits", "braces"),
    *("percent signs", "spaces", "beyond ASCII", "colons", "is a key", "entropy", "longest part"),
    *FOLDERS,
)
CLASSES = frozenset(("extension", "name", "parent", "first folders"))


def row(path: str) -> Sequence[float]:
    """The numbers of one path, in the order of ``NAMES``."""
    folded = path.lower().replace("/", "\\")
    parts = folded.split("\\")
    name = parts[-1]
    return (
        len(folded),
        len(parts),
        len(folded) - len(name),
        len(name),
        digits(name),
        entropy(name),
        name.count("."),
        name.count("-"),
        name.count("_"),
        name.count(" "),
        sum(map(str.isalpha, name)),
        bucket(extension(name)),
        bucket(name),
        bucket(parts[-2] if len(parts) > 1 else ""),
        bucket("\\".join(parts[:3])),
        hexadecimal(name),
        digits(folded),
        folded.count("{"),
        folded.count("%"),
        folded.count(" "),
        not folded.isascii(),
        folded.count(":"),
        _HIVE.match(path) is not None,
        entropy(folded),
        max(map(len, parts)),
        *(folder in folded for folder in FOLDERS),
    )


PATH_FEATURES = HandMade(names=NAMES, classes=CLASSES, row=row)
