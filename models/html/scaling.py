"""Counts of tokens as the network takes them: log(1 + count)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.html.tokens import MOST_COUNTED

# A table of 256 KiB; taking logarithms one by one costs more than the first layer.
SCALED = np.log1p(np.arange(MOST_COUNTED + 1, dtype=np.float32))


def scaled(counts: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Scale counts of any shape."""
    return SCALED[counts]
