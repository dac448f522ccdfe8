"""Says why verdicts are as they are; what cannot be explained costs its evidence alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.artefact import Artefact
from models.evidence import Spans
from models.features import Features
from schemas.evidence import Evidence
from schemas.label import Label
from workers.bisecting import bisect
from workers.metrics.meters import Meters, Step
from workers.retrying import Reporter
from workers.settings.policies import EvidencePolicy, RetryPolicy


class Explaining:
    """The evidence of an artefact's verdicts.

    Args:
        artefact: The model.
        policy: Which verdicts say why.
        retry: How often the journal tells of what goes on.
        meters: Told how long it takes.
    """

    def __init__(
        self, artefact: Artefact, policy: EvidencePolicy, retry: RetryPolicy, meters: Meters
    ) -> None:
        self._explainer = artefact.detector.explainer(artefact.sizes, artefact.tensors)
        self._from = (
            None if policy.evidence_from == "never" else Label(policy.evidence_from).severity
        )
        self._top = policy.top
        self._meters = meters
        self._failures = Reporter(retry)

    @property
    def wanted(self) -> bool:
        """Whether any verdict may be to say why."""
        return self._from is not None

    def evidence(
        self,
        features: Features,
        severities: NDArray[np.int8],
        traced: NDArray[np.uint8] | None = None,
    ) -> Evidence | None:
        """The evidence of n verdicts; None where none is to have any.

        Args:
            features: Of the n.
            severities: int8[n].
            traced: uint8[n, k], what the engine handed on; None for nothing.
        """
        if self._from is None:
            return None
        rows = np.flatnonzero(severities >= self._from)
        if not len(rows):
            return None
        explained = features.rows(rows)
        known = None if traced is None else traced[rows]
        with self._meters.timed(Step.EXPLAIN):
            came = bisect(
                len(rows),
                lambda some: self._spans(
                    explained.rows(some), None if known is None else known[some]
                ),
                lambda: None,
            )
        if came.culprits:
            self._failures.report(
                "verdicts have no evidence, since the explainer fails on them",
                next(iter(came.culprits.values())),
            )
        counts = np.zeros(len(features), np.int64)
        for some, spans in came.parts:
            counts[rows[some]] = np.diff(spans.splits)
        return replace(
            self._evidence(Spans.joined(spans for _, spans in came.parts)),
            splits=np.concatenate([[0], np.cumsum(counts)]),
        )

    def _spans(self, features: Features, traced: NDArray[np.uint8] | None) -> Spans:
        """The explainer's spans, held against their contract."""
        spans = self._explainer.explain(features, self._top, traced)
        self._evidence(spans).check(features.lengths)
        return spans

    def _evidence(self, spans: Spans) -> Evidence:
        return Evidence(
            splits=spans.splits,
            starts=spans.starts,
            ends=spans.ends,
            weights=spans.weights,
            kinds=spans.kinds,
            texts=spans.texts,
            exact=self._explainer.exact,
        )
