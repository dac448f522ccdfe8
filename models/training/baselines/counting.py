"""What hand-made features are counted with."""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter

# Gradient boosting takes up to 255 classes.
MOST_CLASSES = 255
_HEX_RUN = re.compile("[0-9a-fA-F]{6,}")


def bucket(text: str, classes: int = MOST_CLASSES) -> int:
    """A class of 1 to ``classes - 1`` that the text always has; 0 of an empty one."""
    if not text:
        return 0
    return 1 + zlib.crc32(text.encode("utf-8", "surrogatepass")) % (classes - 1)


def entropy(text: str) -> float:
    """Bits a character, by the text's own frequencies; 0 of an empty one."""
    return sum(
        -count / len(text) * math.log2(count / len(text)) for count in Counter(text).values()
    )


def digits(text: str) -> int:
    """ASCII digits."""
    return sum(map(text.count, "0123456789"))


def hexadecimal(text: str) -> int:
    """Characters in the longest run of six or more hexadecimal digits."""
    return max(map(len, _HEX_RUN.findall(text)), default=0)


def extension(name: str) -> str:
    """What stands after the last dot of a file's name, lower-cased; empty where there is none."""
    _, dot, after = name.rpartition(".")
    return after.lower() if dot else ""
