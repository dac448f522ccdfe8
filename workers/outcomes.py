"""Verdicts and dead letters as columns: what of them it takes to account for events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from schemas import dead_letter
from schemas.identity import record_ids, verdict_ids
from schemas.origin import Origins
from schemas.verdict import VERSION
from workers.log.contract import Records

DEAD_LETTER: Final = -1
"""Stands for the model where an outcome is a dead letter."""

_MOST: Final = {"partition": 2**31 - 1, "offset": 2**63 - 1, "timestamp": 2**63 - 1}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """n outcomes of events of one topic, as parallel columns.

    Attributes:
        rows: int64[n], their rows among the records that were read.
        partitions: int32[n], of the events.
        offsets: int64[n], of the events.
        timestamps: int64[n], of the events.
        models: int32[n], numbers of the models that judged, or `DEAD_LETTER`.
        sound: bool[n], whether the ids are those of the event that is named.
        of_others: Further outcomes, of other topics or detectors.
        unreadable: Records that are no outcomes.
    """

    rows: NDArray[np.int64]
    partitions: NDArray[np.int32]
    offsets: NDArray[np.int64]
    timestamps: NDArray[np.int64]
    models: NDArray[np.int32]
    sound: NDArray[np.bool_]
    of_others: int
    unreadable: int

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(slots=True)
class _Rows:
    rows: list[int] = field(default_factory=list)
    partitions: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    timestamps: list[int] = field(default_factory=list)
    of_others: int = 0
    unreadable: int = 0

    def add(self, row: int, partition: int, offset: int, timestamp: int) -> None:
        self.rows.append(row)
        self.partitions.append(partition)
        self.offsets.append(offset)
        self.timestamps.append(timestamp)

    def columns(self, models: Sequence[int], sound: Sequence[bool]) -> Outcomes:
        return Outcomes(
            rows=np.array(self.rows, np.int64),
            partitions=np.array(self.partitions, np.int32),
            offsets=np.array(self.offsets, np.int64),
            timestamps=np.array(self.timestamps, np.int64),
            models=np.array(models, np.int32),
            sound=np.array(sound, np.bool_),
            of_others=self.of_others,
            unreadable=self.unreadable,
        )


class OutcomeReader:
    """Reads outcomes of the events of one topic and detector.

    Args:
        topic: Where the events are.
        detector: Who judges them.
    """

    def __init__(self, topic: str, detector: str) -> None:
        self._topic = topic
        self._detector = detector
        self._models: dict[str, int] = {}

    def verdicts(self, records: Records) -> Outcomes:
        """Verdicts; only the fields that matter here are looked at."""
        kept = _Rows()
        digests: list[str] = []
        claimed: list[tuple[object, object]] = []
        for row, value in enumerate(records.values):
            try:
                verdict = orjson.loads(value or b"")
                source, digest = verdict["source"], verdict["model"]["digest"]
                if verdict["version"] != VERSION or not isinstance(digest, str):
                    kept.unreadable += 1
                elif (
                    source is None
                    or source["topic"] != self._topic
                    or verdict["detector"] != self._detector
                ):
                    kept.of_others += 1
                elif all(_whole(source[name], most) for name, most in _MOST.items()):
                    kept.add(row, source["partition"], source["offset"], source["timestamp"])
                    digests.append(digest)
                    claimed.append((verdict["record_id"], verdict["id"]))
                else:
                    kept.unreadable += 1
            except (orjson.JSONDecodeError, KeyError, TypeError):
                kept.unreadable += 1
        models = [self._models.setdefault(digest, len(self._models)) for digest in digests]
        columns = kept.columns(models, [True] * len(models))
        columns.sound[:] = self._sound(columns, digests, claimed)
        return columns

    def dead_letters(self, records: Records) -> Outcomes:
        """Dead letters, which carry no ids."""
        kept = _Rows()
        for row, headers in enumerate(records.headers):
            origin = dead_letter.origin(headers)
            if origin is None:
                kept.unreadable += 1
            elif origin.topic != self._topic:
                kept.of_others += 1
            else:
                kept.add(row, origin.partition, origin.offset, origin.timestamp)
        n = len(kept.rows)
        return kept.columns([DEAD_LETTER] * n, [True] * n)

    def _sound(
        self, columns: Outcomes, digests: list[str], claimed: list[tuple[object, object]]
    ) -> list[bool]:
        """Whether the ids are those that source, detector and digest give."""
        records = record_ids(
            Origins.of_topic(self._topic, columns.partitions, columns.offsets, columns.timestamps)
        )
        by_digest: dict[str, list[int]] = {}
        for row, digest in enumerate(digests):
            by_digest.setdefault(digest, []).append(row)
        sound = [False] * len(digests)
        for digest, rows in by_digest.items():
            ids = verdict_ids([records[row] for row in rows], self._detector, digest)
            for row, expected in zip(rows, ids, strict=True):
                sound[row] = claimed[row] == (records[row], expected)
        return sound


def _whole(value: Any, most: int) -> bool:
    """Whether it is an integer from -1 (a timestamp that is none) on."""
    return type(value) is int and -1 <= value <= most
