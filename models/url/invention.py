"""URLs that nobody has seen, for a network to learn from its teachers alone.

On the rows that it was trained on a teacher repeats labels that it has by heart. What it knows
beyond them shows on rows that are like those and are not among them (as in Bucila et al. 2006,
"Model Compression", which labels made-up rows by an ensemble): hosts put together of parts of
hosts, some with letters or digits exchanged, and paths of other rows behind them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.training.exchanging import exchanged
from models.url.changes import split

# Shares of the invented rows: those with the path of another row, with a label of its host from
# another host, with another last label, and with characters exchanged.
OTHER_PATH, OTHER_LABEL, OTHER_SUFFIX, EXCHANGED = 0.6, 0.3, 0.2, 0.5


def invent(texts: Sequence[str], count: int, seed: int) -> list[str]:
    """So many URLs made of parts of n given ones, the same for the same seed."""
    random = np.random.default_rng(seed)
    parts = [split(text) for text in texts]
    rows = random.integers(0, len(texts), (count, 4)).tolist()
    draws = random.random((count, 4)).tolist()
    invented = []
    for (own, other, label, suffix), drawn in zip(rows, draws, strict=True):
        labels = parts[own].authority.split(".")
        if drawn[1] < OTHER_LABEL and len(labels) > 1:
            labels[0] = parts[label].authority.split(".")[0]
        if drawn[2] < OTHER_SUFFIX:
            labels[-1] = parts[suffix].authority.split(".")[-1]
        host = ".".join(labels)
        if drawn[3] < EXCHANGED:
            host = exchanged(host, random)
        rest = parts[other if drawn[0] < OTHER_PATH else own]
        invented.append(str(parts[own]._replace(authority=host, path=rest.path, query=rest.query)))
    return invented
