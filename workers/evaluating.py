"""Runs the network over a batch, and finds the rows that it cannot take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.artefact import Artefact
from models.engines.contract import Engine, Tracing
from models.features import Features
from workers.bisecting import bisect
from workers.capacity import Capacity
from workers.metrics.meters import Meters, Step
from workers.retrying import Reporter
from workers.settings.policies import RetryPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What came of n subjects.

    Attributes:
        logits: float32[n]; no number for a row that gave none.
        traced: uint8[n, k], what the engine hands on to the explainer; None if nothing.
        culprits: What is wrong with rows that the network raises on.
    """

    logits: NDArray[np.float32]
    traced: NDArray[np.uint8] | None
    culprits: dict[int, str]


class Evaluating:
    """An artefact's network on an engine.

    Args:
        artefact: The model.
        engine: Evaluates it; from one thread at a time.
        retry: How often the journal tells of what goes on.
        meters: Told how long it takes.
        explained: Whether somebody wants to know why.
    """

    def __init__(
        self,
        artefact: Artefact,
        engine: Engine,
        retry: RetryPolicy,
        meters: Meters,
        *,
        explained: bool,
    ) -> None:
        self._artefact = artefact
        self._engine = engine
        self._tracing = engine if explained and isinstance(engine, Tracing) else None
        self._meters = meters
        self._capacity = Capacity()
        self._exhaustions = Reporter(retry)

    def evaluate(self, features: Features) -> Evaluated:
        """The network's answers.

        Raises:
            Exception: the engine's, of subjects that are known to pass.
        """
        with self._meters.timed(Step.SCORE):
            came = bisect(
                len(features),
                lambda rows: self._answers(features.rows(rows)),
                lambda: self._artefact.check_golden(self._engine),
                self._capacity,
            )
        if came.shrunk_to is not None:
            self._exhaustions.report(
                "there is no memory for the batch, which goes on in parts",
                f"{came.exhaustion}; now at most {came.shrunk_to} rows at once",
            )
        if len(came.parts) == 1 and not came.culprits:
            ((_, (logits, traced)),) = came.parts
        else:
            logits, traced = np.full(len(features), np.nan, np.float32), None
            for rows, (some, some_traced) in came.parts:
                logits[rows] = some
                if some_traced is not None:
                    if traced is None:
                        traced = np.zeros((len(features), some_traced.shape[1]), np.uint8)
                    traced[rows] = some_traced
        if not came.culprits and not np.isfinite(logits).all():
            # Is it the rows, or does it give no number for anything?
            self._artefact.check_golden(self._engine)
        return Evaluated(logits=logits, traced=traced, culprits=came.culprits)

    def _answers(self, features: Features) -> tuple[NDArray[np.float32], NDArray[np.uint8] | None]:
        if self._tracing is not None:
            return self._tracing.traced(features)
        return self._engine.logits(features), None
