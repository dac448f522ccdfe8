"""From record values to verdicts and dead letters, a batch at a time.

The three steps take the batch of the step before and add columns; they run in threads of their
own, one batch in each, and share nothing that changes.

A record that featuriser or network raises on is found (`workers.bisecting`) and refused, the rest
is scored; but only while the artefact's golden subjects pass, for otherwise the model is broken and
the error is raised. That holds for all rows of a batch as for one: nobody can stop a worker by
sending nothing but what it cannot judge. What the explainer raises on has its verdict, which is
right, without evidence, and the journal says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from models.artefact import Artefact
from models.engines.contract import Engine, EngineDescription
from models.features import Features
from schemas import verdict
from schemas.causes import NONE_REFUSED, Cause, Rejects, Stage
from schemas.identity import record_ids, verdict_ids
from schemas.label import Calibration, Thresholds
from schemas.limits import DEFAULT_LIMITS, DecodingLimits
from schemas.telemetry import SUBJECTS, Events, in_parts
from workers.batching import Batch
from workers.bisecting import bisect
from workers.evaluating import Evaluating
from workers.explaining import Explaining
from workers.metrics.meters import Meters, Step
from workers.retrying import Reporter
from workers.settings.policies import EvidencePolicy, RetryPolicy

journal = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A batch or a part of it, decoded and featurised.

    Attributes:
        judge: Who featurised it, and is to score it.
        batch: All records of the batch.
        events: The part's, m of them accepted.
        features: Of the m.
        refused: Rows that were decoded and could not be featurised.
        instead: Who judges it if ``judge``, a candidate, fails; None: nobody does.
    """

    judge: Judge
    batch: Batch
    events: Events
    features: Features
    refused: Rejects = NONE_REFUSED
    instead: Judge | None = None


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
        retry: How often the journal tells of what goes on.
        meters: Told how long the steps take.
        replay: What verdicts say that they are of; None for live ones.
    """

    def __init__(
        self,
        artefact: Artefact,
        engine: Engine,
        evidence: EvidencePolicy,
        limits: DecodingLimits = DEFAULT_LIMITS,
        retry: RetryPolicy | None = None,
        meters: Meters | None = None,
        replay: verdict.Replay | None = None,
    ) -> None:
        retry = retry or RetryPolicy()
        self._meters = meters or Meters(artefact.detector.name)
        self._artefact = artefact
        self._engine = engine
        self._limits = limits
        self._refusals = Reporter(retry)
        self._featurise = artefact.featuriser()
        self._explaining = Explaining(artefact, evidence, retry, self._meters)
        self._evaluating = Evaluating(
            artefact, engine, retry, self._meters, explained=self._explaining.wanted
        )
        self._judge = verdict.Judge(
            detector=artefact.detector.name,
            model=verdict.Model(
                name=artefact.name, version=str(artefact.version), digest=artefact.digest
            ),
            thresholds=thresholds_of(artefact),
            calibration=calibration_of(artefact),
            unit="character" if artefact.detector.name in SUBJECTS else "byte",
            replay=replay,
        )

    @property
    def detector(self) -> str:
        """Whose events are judged."""
        return self._judge.detector

    @property
    def artefact(self) -> Artefact:
        """The model that judges."""
        return self._artefact

    @property
    def model(self) -> verdict.Model:
        """As its verdicts name it."""
        return self._judge.model

    @property
    def engine(self) -> EngineDescription:
        """What the model runs on."""
        return self._engine.describe()

    @property
    def limits(self) -> DecodingLimits:
        """What is taken of events."""
        return self._limits

    def prepare(self, batch: Batch) -> Iterator[Prepared]:
        """Decode and featurise, in parts that fit in memory; one at least.

        Raises:
            Exception: the featuriser's, of a subject that is known to pass.
        """
        for events in self.decode(batch):
            yield from self.featurise(batch, events)

    def decode(self, batch: Batch) -> Iterator[Events]:
        """The batch's events, in parts that fit in memory; one at least."""
        began = time.perf_counter()
        for events in in_parts(self.detector, batch.records.values, self._limits):
            self._meters.took(Step.DECODE, time.perf_counter() - began)
            yield events
            began = time.perf_counter()

    def featurise(self, batch: Batch, events: Events) -> Iterator[Prepared]:
        """Events of a batch, featurised; in parts where some cannot be.

        Raises:
            Exception: the featuriser's, of a subject that is known to pass.
        """
        for part, features, refused in self._featurised(events):
            yield Prepared(judge=self, batch=batch, events=part, features=features, refused=refused)

    def score(self, prepared: Prepared) -> Scored:
        """Evaluate the network; rows that it cannot judge are refused.

        Raises:
            Exception: the engine's, of subjects that are known to pass.
        """
        verdicts, rows, refused = self._judged(prepared.events, prepared.features, prepared.refused)
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

    def rehearse(self) -> None:
        """Take the golden subjects all the way, so that nothing is compiled later on.

        Raises:
            Exception: the model's.
        """
        subjects: list[Any] = [subject for subject, _ in self._artefact.golden]
        of = Events.of_texts if self._artefact.detector.subject == "text" else Events.of_pages
        for _ in self.judge(of(subjects)):
            pass

    def judge(
        self, events: Events
    ) -> Iterator[tuple[verdict.Verdicts, NDArray[np.int64], Rejects]]:
        """Judge events that come from no log.

        Yields:
            In parts, one at least: m verdicts without origin and ids, their rows int64[m], and the
            rows that could not be judged, beside those that ``events`` rejects.

        Raises:
            Exception: the model's, of subjects that are known to pass.
        """
        for part, features, refused in self._featurised(events):
            yield self._judged(part, features, refused)

    def _featurised(self, events: Events) -> Iterator[tuple[Events, Features, Rejects]]:
        """Events that can be featurised, in as many parts as that takes, and those that cannot."""
        subjects = events.subjects
        with self._meters.timed(Step.FEATURISE):
            came = bisect(
                len(subjects),
                lambda rows: self._featurise(subjects[rows]),
                lambda: self._featurise([subject for subject, _ in self._artefact.golden]),
            )
        if not came.culprits and len(came.parts) == 1:
            yield events, came.parts[0][1], NONE_REFUSED
            return
        # What was refused goes with a part that has nothing else.
        nobody = np.array([], np.int64)
        refused = self._unscorable(events, came.culprits)
        yield events.take(nobody), self._featurise(subjects[:0]), refused
        for rows, features in came.parts:
            part = events.take(np.arange(rows.start, rows.stop))
            yield replace(part, rejects=NONE_REFUSED), features, NONE_REFUSED

    def _judged(
        self, events: Events, features: Features, refused: Rejects
    ) -> tuple[verdict.Verdicts, NDArray[np.int64], Rejects]:
        evaluated = self._evaluating.evaluate(features)
        logits, traced, culprits = evaluated.logits, evaluated.traced, evaluated.culprits
        finite = np.isfinite(logits)
        if not finite.all():
            bad = [row for row in np.flatnonzero(~finite).tolist() if row not in culprits]
            not_finite = Rejects(
                rows=events.rows[bad],
                causes=[Cause.NOT_FINITE] * len(bad),
                details=[f"The network gave {logits[row]}" for row in bad],
            )
            refused = refused.joined(self._unscorable(events, culprits)).joined(not_finite)
            good = np.flatnonzero(finite)
            events, features, logits = events.take(good), features.rows(good), logits[good]
            traced = None if traced is None else traced[good]
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
        evidence = self._explaining.evidence(features, verdicts.severities(), traced)
        return replace(verdicts, evidence=evidence), events.rows, refused

    def _unscorable(self, events: Events, culprits: dict[int, str]) -> Rejects:
        if not culprits:
            return NONE_REFUSED
        details = list(culprits.values())
        self._refusals.report("the model fails on records, which become dead letters", details[0])
        return Rejects(
            rows=events.rows[list(culprits)],
            causes=[Cause.UNSCORABLE] * len(culprits),
            details=details,
        )
