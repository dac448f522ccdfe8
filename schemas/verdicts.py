"""Verdicts as columns: what is known of n subjects before each becomes a JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ContractError
from schemas.evidence import Evidence
from schemas.label import UNCALIBRATED, Calibration, Label, Thresholds
from schemas.origin import Origins

Unit = Literal["character", "byte"]
"""What lengths and offsets of a verdict count: code points of a text, bytes of a page."""

# The columns of verdicts that are lists or None.
_LISTS = (
    "kinds",
    "urls",
    "digests",
    "record_ids",
    "ids",
    "event_ids",
    "observed_at",
    "further",
    "omitted",
)

_COUNTED: dict[Unit, type[str | bytes]] = {"character": str, "byte": bytes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The artefact that gave a verdict.

    Attributes:
        name: Name of the artefact.
        version: Its version.
        digest: Digest over weights, thresholds, calibration and featuriser together.
    """

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a verdict on history says of where it comes from.

    Attributes:
        run: Name of the replay.
    """

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """What is the same for every verdict of a detector.

    Attributes:
        detector: The detector's name.
        model: Its artefact.
        thresholds: The logits at which labels begin.
        calibration: What makes scores of logits.
        unit: What the detector's subjects are counted in: bytes when they are pages.
        replay: The replay that these verdicts are of; None for live ones.
    """

    detector: str
    model: Model
    thresholds: Thresholds
    calibration: Calibration = UNCALIBRATED
    unit: Unit = "character"
    replay: Replay | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdicts:
    """n verdicts of one judge, as parallel columns.

    Columns that are None stand for n times nothing: off a log there is no origin and no id, and
    a URL has no kind.

    Attributes:
        judge: Who gave them.
        scored_at: When, with a time zone.
        subjects: n subjects, whole: texts (str) or, for a judge that counts bytes, pages.
        logits: float[n], all finite.
        characters_seen: int[n], how many units (code points or bytes) from the start of the
            subject the network looked at; the subject was cut where that is less than its length.
        held: bool[n], whose label is benign whatever their logit, since the subject says nothing
            either way.
        kinds: n kinds of path.
        urls: n addresses of pages, None where it is not known.
        digests: n SHA-256 of pages (`schemas.events.page_digest`); a page must have one.
        evidence: Spans that weighed most; those of pages bring their texts.
        origins: The origins of the records: what ``source`` says and `record_ids` digests.
        record_ids: n ids of the records.
        ids: n ids of the verdicts.
        event_ids: n ids of the producer's own.
        observed_at: n times of the producer's own.
        further: n objects of small further fields.
        omitted: n tuples of names of fields that were left out.
    """

    judge: Judge
    scored_at: datetime
    subjects: Sequence[str] | Sequence[bytes]
    logits: NDArray[np.floating]
    characters_seen: NDArray[np.integer]
    held: NDArray[np.bool_] | None = None
    kinds: Sequence[str | None] | None = None
    urls: Sequence[str | None] | None = None
    digests: Sequence[str] | None = None
    evidence: Evidence | None = None
    origins: Origins | None = None
    record_ids: Sequence[str] | None = None
    ids: Sequence[str] | None = None
    event_ids: Sequence[str | int | None] | None = None
    observed_at: Sequence[str | None] | None = None
    further: Sequence[dict[str, Any] | None] | None = None
    omitted: Sequence[tuple[str, ...]] | None = None

    def __len__(self) -> int:
        return len(self.subjects)

    def severities(self) -> NDArray[np.int8]:
        """Severities of the n verdicts, indexes into `schemas.label.LABELS`: int8[n]."""
        severities = self.judge.thresholds.severities(self.logits)
        if self.held is not None:
            severities[self.held] = Label.BENIGN.severity
        return severities

    def take(self, rows: NDArray[np.integer]) -> Verdicts:
        """The verdicts of these rows, in this order."""
        chosen = rows.tolist()

        def of(column: Sequence[Any] | None) -> list[Any] | None:
            return None if column is None else [column[row] for row in chosen]

        return replace(
            self,
            subjects=[self.subjects[row] for row in chosen],
            logits=self.logits[rows],
            characters_seen=self.characters_seen[rows],
            held=None if self.held is None else self.held[rows],
            evidence=None if self.evidence is None else self.evidence.take(rows),
            origins=None if self.origins is None else self.origins.take(rows),
            **cast("Any", {name: of(getattr(self, name)) for name in _LISTS}),
        )

    def check(self) -> None:
        """Hold the columns against each other.

        Raises:
            ContractError: a logit is not finite, columns differ in length, subjects are not what
                the judge counts, a page has no digest, or a span lies outside its subject or is
                a page's and without text.
        """
        n = len(self)
        for name in ("logits", "characters_seen", "held", "origins", *_LISTS):
            column = getattr(self, name)
            if column is not None and len(column) != n:
                raise ContractError(f"Column {name!r} has {len(column)} rows for {n} subjects")
        finite = np.isfinite(self.logits)
        if not finite.all():
            raise ContractError(
                f"The logit of row {int(np.argmin(finite))} is not finite; refuse such rows first"
            )
        unit = self.judge.unit
        if not all(issubclass(kind, _COUNTED[unit]) for kind in set(map(type, self.subjects))):
            raise ContractError(
                f"A subject is no {_COUNTED[unit].__name__}, but the unit is {unit!r}"
            )
        if unit == "byte" and n and self.digests is None:
            raise ContractError("Verdicts on pages have no digests; see schemas.events.page_digest")
        evidence = self.evidence
        if evidence is not None:
            evidence.check(np.fromiter(map(len, self.subjects), np.int64, n))
            if unit == "byte" and None in evidence.texts:
                raise ContractError(
                    "A span of a page has no text; a reader has no page to cut it from"
                )
