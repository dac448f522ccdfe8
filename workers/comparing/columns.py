"""One side's verdicts, one an event, held as columns and found by id.

A million events take 23 MB, and while they are put in order some 80 MB.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workers.comparing.rows import ID, Rows

NOWHERE: Final = -1
"""Stands for the place of an id that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """n events in the order of their ids, each with its first verdict.

    Attributes:
        ids: `ID` [n], rising.
        logits: float32[n].
        labels: int8[n].
        models: int16[n].
        repeats: Further verdicts on them, left out.
    """

    ids: NDArray[np.bytes_]
    logits: NDArray[np.float32]
    labels: NDArray[np.int8]
    models: NDArray[np.int16]
    repeats: int

    def __len__(self) -> int:
        return len(self.ids)

    def places(self, ids: NDArray[np.bytes_]) -> NDArray[np.int64]:
        """Where each of these stands, or `NOWHERE`: int64[m]."""
        if not len(self):
            return np.full(len(ids), NOWHERE, np.int64)
        at = np.minimum(np.searchsorted(self.ids, ids), len(self) - 1)
        return np.where(self.ids[at] == ids, at, NOWHERE)


@dataclass(slots=True)
class Collected:
    """Takes rows as they come."""

    _ids: list[NDArray[np.bytes_]] = field(default_factory=list)
    _logits: list[NDArray[np.float32]] = field(default_factory=list)
    _labels: list[NDArray[np.int8]] = field(default_factory=list)
    _models: list[NDArray[np.int16]] = field(default_factory=list)

    def take(self, rows: Rows, chosen: NDArray[np.bool_] | slice = slice(None)) -> None:
        """Keep these rows, or the chosen ones of them."""
        self._ids.append(rows.ids[chosen])
        self._logits.append(rows.logits[chosen])
        self._labels.append(rows.labels[chosen])
        self._models.append(rows.models[chosen])

    def columns(self) -> Columns:
        """In order of id, the first of each; empties this."""
        ids = np.concatenate([np.empty(0, ID), *self._ids])
        self._ids.clear()
        order = np.argsort(ids, kind="stable")
        ids = ids[order]
        first = np.ones(len(ids), np.bool_)
        first[1:] = ids[1:] != ids[:-1]
        kept = order[first]
        columns = Columns(
            ids=ids[first],
            logits=np.concatenate([np.empty(0, np.float32), *self._logits])[kept],
            labels=np.concatenate([np.empty(0, np.int8), *self._labels])[kept],
            models=np.concatenate([np.empty(0, np.int16), *self._models])[kept],
            repeats=len(order) - len(kept),
        )
        for parts in (self._logits, self._labels, self._models):
            parts.clear()
        return columns
