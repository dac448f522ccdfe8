"""Verdicts as columns: what of them it takes to compare them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from math import isfinite
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from schemas.identity import ID_DIGITS
from schemas.label import LABELS
from schemas.verdict import VERSION
from workers.comparing.wanted import Wanted

ID_BYTES: Final = ID_DIGITS // 2
ID: Final = np.dtype(f"S{ID_BYTES}")
"""How ids are held: the bytes that their digits stand for."""

_SEVERITIES: Final[Mapping[str, int]] = {label.value: label.severity for label in LABELS}
_MOST_MODELS: Final = np.iinfo(np.int16).max


class Model(NamedTuple):
    """Who gave a verdict, as far as it says."""

    detector: str
    name: str
    version: str
    digest: str
    suspicious: float
    malicious: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """n verdicts of one side, as parallel columns.

    Attributes:
        ids: `ID` [n], of the events.
        logits: float32[n].
        labels: int8[n], severities.
        models: int16[n], indexes into `RowReader.models`.
        verdicts: The n verdicts, to show some of them; not kept for longer than the batch is.
    """

    ids: NDArray[np.bytes_]
    logits: NDArray[np.float32]
    labels: NDArray[np.int8]
    models: NDArray[np.int16]
    verdicts: Sequence[Mapping[str, Any]]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(slots=True)
class RowReader:
    """Reads the verdicts of one side.

    Attributes:
        wanted: Which are taken.
        models: All models that there are verdicts of, wanted or not, in the order of their coming.
        counts: How many verdicts of each there are, by its number.
        unwanted: Verdicts that were left out, as `wanted` says.
        unreadable: Values that are no verdicts.
        unjudged: Lines of `weir score` that say why there is no verdict.
        nameless: Verdicts on events of no log.
    """

    wanted: Wanted = field(default_factory=Wanted)
    models: list[Model] = field(default_factory=list)
    counts: Counter[int] = field(default_factory=Counter)
    unwanted: int = 0
    unreadable: int = 0
    unjudged: int = 0
    nameless: int = 0
    _numbers: dict[Model, int] = field(default_factory=dict)

    def read(self, values: Sequence[bytes | None]) -> Rows:
        """The verdicts among ``values`` that are wanted."""
        ids: list[bytes] = []
        logits: list[float] = []
        labels: list[int] = []
        models: list[int] = []
        verdicts: list[Mapping[str, Any]] = []
        for value in values:
            try:
                verdict = orjson.loads(value or b"")
                if verdict.keys() == {"error"}:
                    self.unjudged += 1
                    continue
                label = _SEVERITIES[verdict["label"]]
                logit = _logit(verdict)
                number = self._number(verdict)
                named = verdict["record_id"] is not None
                own = _record(verdict["record_id"]) if named else _stand_in(verdict)
                _check_shown(verdict)
                is_wanted = self._wants(verdict)
            except (AttributeError, KeyError, TypeError, ValueError):
                self.unreadable += 1
                continue
            self.counts[number] += 1
            if not is_wanted:
                self.unwanted += 1
                continue
            self.nameless += not named
            ids.append(own)
            logits.append(logit)
            labels.append(label)
            models.append(number)
            verdicts.append(verdict)
        return Rows(
            ids=np.frombuffer(b"".join(ids), ID),
            logits=np.array(logits, np.float32),
            labels=np.array(labels, np.int8),
            models=np.array(models, np.int16),
            verdicts=verdicts,
        )

    def _number(self, verdict: Mapping[str, Any]) -> int:
        told, thresholds = verdict["model"], verdict["thresholds"]
        model = Model(
            _text(verdict["detector"]),
            _text(told["name"]),
            _text(told["version"]),
            _text(told["digest"]),
            float(thresholds["suspicious"]),
            float(thresholds["malicious"]),
        )
        if (number := self._numbers.get(model)) is None:
            if len(self.models) == _MOST_MODELS:
                raise ValueError("more models than anybody has")
            number = self._numbers[model] = len(self.models)
            self.models.append(model)
        return number

    def _wants(self, verdict: Mapping[str, Any]) -> bool:
        wanted = self.wanted
        if wanted.detector is not None and verdict["detector"] != wanted.detector:
            return False
        if wanted.model is not None and not wanted.model.fits(verdict["model"]):
            return False
        if wanted.run is not None:
            replay = verdict.get("replay")
            if replay is None or replay["run"] != wanted.run:
                return False
        return wanted.within is None or wanted.within.holds(verdict["source"])


def _logit(verdict: Mapping[str, Any]) -> float:
    logit = verdict["logit"]
    if verdict["version"] != VERSION or type(logit) not in {int, float} or not isfinite(logit):
        raise ValueError("no verdict of this version")
    return float(logit)


def _check_shown(verdict: Mapping[str, Any]) -> None:
    """See that what is shown of a verdict, and where its event stands, is as it should be."""
    _text(verdict["subject"])
    source, event_id = verdict["source"], verdict["event_id"]
    if not (event_id is None or type(event_id) in {str, int}):
        raise TypeError("no id of an event")
    if source is not None:
        _text(source["topic"])
        if not all(type(source[name]) is int for name in ("partition", "offset", "timestamp")):
            raise TypeError("no place in a log")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _record(record_id: str) -> bytes:
    own = bytes.fromhex(record_id)
    if len(own) != ID_BYTES:
        raise ValueError("no id of a record")
    return own


def _stand_in(verdict: Mapping[str, Any]) -> bytes:
    """What stands for the id of an event of no log: a digest of what is known of it."""
    page, event_id = verdict.get("page"), verdict["event_id"]
    known = (
        verdict["detector"],
        verdict.get("kind"),
        # In Parquet ids are text.
        None if event_id is None else str(event_id),
        verdict["subject"],
        verdict.get("subject_length"),
        None if page is None else page["sha256"],
    )
    return blake2b(orjson.dumps(known), digest_size=ID_BYTES).digest()
