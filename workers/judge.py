"""From record values to verdicts and dead letters, a batch at a time.

The three steps take the batch of the step before and add columns; they run in threads of their
own, one batch in each, and share nothing that changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from models.artefact import Artefact
from models.engines.contract import Engine
from models.features import Features
from schemas import verdict
from schemas.causes import Cause, Rejects, Stage
from schemas.evidence import Evidence
from schemas.identity import record_ids, verdict_ids
from schemas.label import Calibration, Label, Thresholds
from schemas.limits import DEFAULT_LIMITS, DecodingLimits
from schemas.telemetry import SUBJECTS, Events, in_parts
from workers.batching import Batch
from workers.settings.policies import EvidencePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A batch or a part of it, decoded and featurised; features have a row an accepted event."""

    batch: Batch
    events: Events
    features: Features


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A batch or a part of it with its logits.

    Attributes:
        batch: All records of the batch.
        rows: int64[m], those with a finite logit, as indexes into the batch.
        verdicts: m verdicts.
        rejects: The part's other rows, by the stage that refused them.
    """

    batch: Batch
    rows: NDArray[np.int64]
    verdicts: verdict.Verdicts
    rejects: dict[Stage, Rejects]


def thresholds_of(artefact: Artefact) -> Thresholds:
    """The artefact's thresholds as verdicts state them."""
    return Thresholds(
        suspicious=artefact.thresholds.suspicious.logit,
        malicious=artefact.thresholds.malicious.logit,
    )


def calibration_of(artefact: Artefact) -> Calibration:
    """What makes scores of the artefact's logits, as verdicts state it."""
    told = artefact.calibration
    return Calibration(scale=told.scale, offset=told.offset, prior=told.prior)


class Judge:
    """One artefact on one engine, at work.

    Args:
        artefact: The model.
        engine: Evaluates it; used by `score` alone.
        evidence: Which verdicts say why.
        limits: What is taken of events, and how much of a batch is unpacked at once.
    """

    def __init__(
        self,
        artefact: Artefact,
        engine: Engine,
        evidence: EvidencePolicy,
        limits: DecodingLimits = DEFAULT_LIMITS,
    ) -> None:
        self._engine = engine
        self._evidence = evidence
        self._limits = limits
        self._featurise = artefact.featuriser()
        self._explainer = artefact.detector.explainer(artefact.sizes, artefact.tensors)
        self._explain_from = (
            None if evidence.evidence_from == "never" else Label(evidence.evidence_from).severity
        )
        self._judge = verdict.Judge(
            detector=artefact.detector.name,
            model=verdict.Model(
                name=artefact.name, version=str(artefact.version), digest=artefact.digest
            ),
            thresholds=thresholds_of(artefact),
            calibration=calibration_of(artefact),
            unit="character" if artefact.detector.name in SUBJECTS else "byte",
        )

    @property
    def detector(self) -> str:
        """Whose events are judged."""
        return self._judge.detector

    @property
    def limits(self) -> DecodingLimits:
        """What is taken of events."""
        return self._limits

    def prepare(self, batch: Batch) -> Iterator[Prepared]:
        """Decode and featurise, in parts that fit in memory; one at least."""
        for events in in_parts(self.detector, batch.records.values, self._limits):
            yield Prepared(batch=batch, events=events, features=self._featurise(events.subjects))

    def score(self, prepared: Prepared) -> Scored:
        """Evaluate the network; rows without a finite logit are refused."""
        verdicts, rows, refused = self._judged(prepared.events, prepared.features)
        origins = prepared.batch.origins()
        if len(rows) < len(origins):
            origins = origins.take(rows)
        ids = record_ids(origins)
        rejects = {Stage.DECODE: prepared.events.rejects, Stage.SCORE: refused}
        return Scored(
            batch=prepared.batch,
            rows=rows,
            verdicts=replace(
                verdicts,
                origins=origins,
                record_ids=ids,
                ids=verdict_ids(ids, self._judge.detector, self._judge.model.digest),
            ),
            rejects={stage: some for stage, some in rejects.items() if len(some)},
        )

    def judge(self, events: Events) -> tuple[verdict.Verdicts, NDArray[np.int64], Rejects]:
        """Judge events that come from no log.

        Returns:
            m verdicts without origin and ids, their rows int64[m], and the rows without a finite
            logit.
        """
        return self._judged(events, self._featurise(events.subjects))

    def _judged(
        self, events: Events, features: Features
    ) -> tuple[verdict.Verdicts, NDArray[np.int64], Rejects]:
        logits = self._engine.logits(features)
        finite = np.isfinite(logits)
        bad = np.flatnonzero(~finite)
        refused = Rejects(
            rows=events.rows[bad],
            causes=[Cause.NOT_FINITE] * len(bad),
            details=[f"The network gave {logits[row]}" for row in bad.tolist()],
        )
        if len(bad):
            good = np.flatnonzero(finite)
            events, features, logits = events.take(good), features.rows(good), logits[good]
        verdicts = verdict.Verdicts(
            judge=self._judge,
            scored_at=datetime.now(UTC),
            subjects=events.subjects,
            logits=logits,
            characters_seen=features.read,
            held=features.silent,
            kinds=events.kinds,
            urls=events.urls,
            digests=events.digests,
            event_ids=events.event_ids,
            observed_at=events.observed_at,
            further=events.further,
            omitted=events.omitted,
        )
        evidence = self._explain(features, verdicts.severities())
        return replace(verdicts, evidence=evidence), events.rows, refused

    def _explain(self, features: Features, severities: NDArray[np.int8]) -> Evidence | None:
        if self._explain_from is None:
            return None
        rows = np.flatnonzero(severities >= self._explain_from)
        if not len(rows):
            return None
        spans = self._explainer.explain(features.rows(rows), self._evidence.top)
        return Evidence.of_rows(
            len(features),
            dict(zip(rows.tolist(), spans, strict=True)),
            exact=self._explainer.exact,
        )
