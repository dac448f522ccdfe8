"""Paths and keys that nobody has seen, for a network to learn from its teachers alone.

As for URLs (`models.url.invention`): names of other rows in the folders of a row, folders put
between, some letters and digits of names exchanged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from models.training.exchanging import exchanged

# Shares of the invented rows: those with the name of another row, with the ending of another, with
# a folder of another before the name, and with characters of the name exchanged.
OTHER_NAME, OTHER_ENDING, OTHER_FOLDER, EXCHANGED = 0.6, 0.1, 0.3, 0.5
_KEY = re.compile(r"(?:computer\\)?(?:hk|\\?registry\\)", re.IGNORECASE)
_PARTS = re.compile(r"[\\/]+")


def invent(texts: Sequence[str], count: int, seed: int) -> list[str]:
    """So many paths and keys made of parts of n given ones, the same for the same seed."""
    random = np.random.default_rng(seed)
    parts = [_PARTS.split(text) for text in texts]
    keys = [bool(_KEY.match(text)) for text in texts]
    rows = random.integers(0, len(texts), (count, 4)).tolist()
    draws = random.random((count, 4)).tolist()
    invented = []
    for (own, *others), drawn in zip(rows, draws, strict=True):
        # A key with the name of a file would be known by that alone.
        name_of, ending_of, folder_of = (
            other if keys[other] == keys[own] else own for other in others
        )
        *folders, name = parts[own]
        if drawn[0] < OTHER_NAME:
            name = parts[name_of][-1]
        if drawn[1] < OTHER_ENDING:
            name = name.rpartition(".")[0] + "." + parts[ending_of][-1].rpartition(".")[2]
        if drawn[2] < OTHER_FOLDER:
            folders = [*folders, *parts[folder_of][-2:-1]]
        if drawn[3] < EXCHANGED:
            name = exchanged(name, random)
        invented.append("\\".join([*folders, name]))
    return invented
