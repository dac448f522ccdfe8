"""What training does to URLs: ends of other URLs are put to their ends, whatever the labels.

Three quarters of what browsers request are static files, which malicious URLs hardly ever are, so
a network left to itself reads ``.png`` as harmless, and anyone can add it. Here some rows of a
batch, of both labels alike, get the last part of another row's path with its query, so that an
end says nothing for sure.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from models.url.normaliser import CLASSES, PATH, QUERY, code_of

SHARE = 0.15
_FIRST_OF_QUERY = 1 + CLASSES * QUERY
_SLASH = code_of("/", PATH)


def with_other_ends(
    codes: NDArray[np.uint8], seen: NDArray[np.int32], generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Give ``SHARE`` of the rows the end of another: uint8[n, width]."""
    takers = np.flatnonzero(generator.random(len(codes)) < SHARE)
    givers = generator.integers(0, len(codes), len(takers))
    changed = codes.copy()
    _put(changed, codes, seen, takers, givers)
    return changed


@compiled
def _put(
    changed: NDArray[np.uint8],
    codes: NDArray[np.uint8],
    seen: NDArray[np.int32],
    takers: NDArray[np.int64],
    givers: NDArray[np.int64],
) -> None:
    for number in range(len(takers)):
        taker, giver = takers[number], givers[number]
        target = seen[taker]
        if target == 0 or codes[taker, target - 1] >= _FIRST_OF_QUERY:
            continue
        start = -1
        for i in range(seen[giver]):
            if codes[giver, i] == _SLASH or (start < 0 and codes[giver, i] >= _FIRST_OF_QUERY):
                start = i
        if start < 0:
            continue
        for i in range(start, seen[giver]):
            if target == codes.shape[1]:
                break
            changed[taker, target] = codes[giver, i]
            target += 1
