"""The windows of a page: 16 of one piece, 8 of two, 4 of four, 2 of eight, 1 of all sixteen."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.html.tokens import PIECES

WINDOWS: Final = tuple(
    (first, first + pieces) for pieces in (1, 2, 4, 8, 16) for first in range(0, PIECES, pieces)
)
"""First piece and the piece after the last of every window, in the network's order."""


def means(pieces: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the pieces of every window: float32[n, 16, units] -> float32[n, 31, units]."""
    rows, _, units = pieces.shape
    averaged = np.empty((rows, len(WINDOWS), units), np.float32)
    averaged[:, :PIECES] = pieces
    # Each level halves the one before it, which stands right in front of it.
    first, windows = 0, PIECES
    while windows > 1:
        pairs = averaged[:, first : first + windows].reshape(rows, windows // 2, 2, units)
        first += windows
        windows //= 2
        np.add(pairs[:, :, 0], pairs[:, :, 1], out=averaged[:, first : first + windows])
        averaged[:, first : first + windows] *= np.float32(0.5)
    return averaged
