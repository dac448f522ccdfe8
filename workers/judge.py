"""From record values to verdicts and dead letters, a batch at a time.

The three steps take the batch of the step before and add columns; they run in threads of their
own, one batch in each, and share nothing that changes.
"""

from __future__ import annotations

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
from schemas.label import Label, Thresholds
from schemas.telemetry import DECODERS, Events
from workers.batching import Batch
from workers.settings.policies import EvidencePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A batch, decoded and featurised; features have a row an accepted event."""

    batch: Batch
    events: Events
    features: Features


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A batch with its logits.

    Attributes:
        batch: All its records.
        rows: int64[m], those with a finite logit, as indexes into the batch.
        verdicts: m verdicts.
        rejects: The other rows, by the stage that refused them.
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


class Judge:
    """One artefact on one engine, at work.

    Args:
        artefact: The model.
        engine: Evaluates it; used by `score` alone.
        evidence: Which verdicts say why.
    """

    def __init__(self, artefact: Artefact, engine: Engine, evidence: EvidencePolicy) -> None:
        self._artefact = artefact
        self._engine = engine
        self._evidence = evidence
        self._decode = DECODERS[artefact.detector.name]
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
        )

    def prepare(self, batch: Batch) -> Prepared:
        """Decode and featurise."""
        events = self._decode(batch.records.values)
        return Prepared(batch=batch, events=events, features=self._featurise(events.texts))

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
        return self._judged(events, self._featurise(events.texts))

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
        return (
            verdict.Verdicts(
                judge=self._judge,
                scored_at=datetime.now(UTC),
                texts=events.texts,
                logits=logits,
                characters_seen=features.read,
                evidence=self._explain(features, logits),
                event_ids=events.event_ids,
                observed_at=events.observed_at,
                further=events.further,
                omitted=events.omitted,
            ),
            events.rows,
            refused,
        )

    def _explain(self, features: Features, logits: NDArray[np.float32]) -> Evidence | None:
        if self._explain_from is None:
            return None
        severities = self._judge.thresholds.severities(logits)
        rows = np.flatnonzero(severities >= self._explain_from)
        if not len(rows):
            return None
        explained = self._explainer.explain(features.rows(rows), self._evidence.top)
        return Evidence.of_rows(
            len(features),
            {
                row: [(span.start, span.end, span.weight) for span in spans]
                for row, spans in zip(rows.tolist(), explained, strict=True)
            },
            exact=self._explainer.exact,
        )
