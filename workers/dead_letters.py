"""Dead letters as columns, read from their topic, and which of them are asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.dead_letter_reader import told
from workers.range_reader import taken

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.origin import Origin
    from workers.log.contract import Records


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Letters:
    """n dead letters, as parallel columns.

    Attributes:
        records: As they are on their topic: place, timestamp, key, value, and all headers.
        causes: n codes, some perhaps of later versions.
        stages: n codes of `schemas.causes.Stage`.
        details: n sentences, not made printable.
        origins: n places where the records were first read; None where that is not told.
        truncated: n lists of what was cut, as ``weir-truncated`` has them; None for nothing.
        original_nulls: n times whether the original had no value.
    """

    records: Records
    causes: Sequence[str]
    stages: Sequence[str]
    details: Sequence[str]
    origins: Sequence[Origin | None]
    truncated: Sequence[str | None]
    original_nulls: Sequence[bool]

    def __len__(self) -> int:
        return len(self.causes)

    def take(self, rows: NDArray[np.int64]) -> Letters:
        """These rows, in this order."""
        if len(rows) == len(self):
            return self
        chosen = rows.tolist()
        return Letters(
            records=taken(self.records, rows),
            causes=[self.causes[row] for row in chosen],
            stages=[self.stages[row] for row in chosen],
            details=[self.details[row] for row in chosen],
            origins=[self.origins[row] for row in chosen],
            truncated=[self.truncated[row] for row in chosen],
            original_nulls=[self.original_nulls[row] for row in chosen],
        )


def letters_of(records: Records) -> Letters:
    """The dead letters among records; the others are left out."""
    all_told = [told(headers) for headers in records.headers]
    ours = [known for known in all_told if known is not None]
    if len(ours) < len(records):
        rows = np.array([row for row, known in enumerate(all_told) if known is not None], np.int64)
        records = taken(records, rows)
    return Letters(
        records=records,
        causes=[known.cause for known in ours],
        stages=[known.stage for known in ours],
        details=[known.detail for known in ours],
        origins=[known.origin for known in ours],
        truncated=[known.truncated for known in ours],
        original_nulls=[known.original_null for known in ours],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which letters are asked for.

    Attributes:
        causes: Codes; empty for all.
        stage: A stage's code; None for all.
        since: Milliseconds since the epoch, of the earliest letter; None for no limit.
        until: Of the latest letter.
    """

    causes: Collection[str] = frozenset()
    stage: str | None = None
    since: int | None = None
    until: int | None = None

    def rows(self, letters: Letters) -> NDArray[np.int64]:
        """The rows that are asked for, in order: int64[k]."""
        timestamps = letters.records.timestamps
        wanted = np.ones(len(letters), bool)
        if self.since is not None:
            wanted &= timestamps >= self.since
        if self.until is not None:
            wanted &= timestamps <= self.until
        if self.causes:
            wanted &= np.array([cause in self.causes for cause in letters.causes], bool)
        if self.stage is not None:
            wanted &= np.array([stage == self.stage for stage in letters.stages], bool)
        return np.flatnonzero(wanted)
