"""Which rows networks of trials see, and which they are measured on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.training.data import Labelled


def measured(rows: Mapping[str, Labelled]) -> Labelled:
    """Rows of test; of validation where there are none."""
    return rows["test"] if len(rows["test"]) else rows["validation"]


def drawn(train: Labelled, share: float) -> NDArray[np.bool_]:
    """The same rows for every network of the trials, so that they can be compared."""
    return np.random.default_rng(0).random(len(train)) < share


def not_of(feed: str, rows: Labelled) -> NDArray[np.bool_]:
    """Rows of every other feed."""
    return np.array([source != feed for source in rows.sources], np.bool_)


def some_sources(rows: Mapping[str, Labelled]) -> frozenset[str]:
    """Every fourth source of each label, by how many rows it has: the second, the sixth, ..."""
    found: set[str] = set()
    for label in (0, 1):
        counts = Counter(
            source
            for part in rows.values()
            for source, own in zip(part.sources, part.labels.tolist(), strict=True)
            if own == label
        )
        ordered = sorted(counts, key=lambda source: (-counts[source], source))
        found.update(ordered[1::4])
    return frozenset(found)


def of(sources: frozenset[str], rows: Labelled) -> NDArray[np.bool_]:
    """Rows of some sources."""
    return np.array([source in sources for source in rows.sources], np.bool_)


def before(rows: Labelled, date: str) -> NDArray[np.bool_]:
    """Benign rows, and malicious ones known to be first seen before a date."""
    seen = np.array([bool(first) and first < date for first in rows.dates], np.bool_)
    return np.asarray((rows.labels == 0) | seen)


def since(rows: Labelled, date: str) -> NDArray[np.bool_]:
    """Benign rows, and malicious ones known to be first seen from a date on."""
    seen = np.array([first >= date for first in rows.dates], np.bool_)
    return np.asarray((rows.labels == 0) | seen)
