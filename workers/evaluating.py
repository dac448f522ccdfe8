"""Runs the network over a batch, and finds the rows that it cannot take."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.artefact import Artefact
from models.engines.contract import Engine
from models.features import Features
from workers.bisecting import bisect
from workers.capacity import Capacity
from workers.metrics.meters import Meters, Step
from workers.retrying import Reporter
from workers.settings.policies import RetryPolicy


class Evaluating:
    """An artefact's network on an engine.

    Args:
        artefact: The model.
        engine: Evaluates it; from one thread at a time.
        retry: How often the journal tells of what goes on.
        meters: Told how long it takes.
    """

    def __init__(
        self, artefact: Artefact, engine: Engine, retry: RetryPolicy, meters: Meters
    ) -> None:
        self._artefact = artefact
        self._engine = engine
        self._meters = meters
        self._capacity = Capacity()
        self._exhaustions = Reporter(retry)

    def logits(
        self, features: Features
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], dict[int, str]]:
        """Logits float32[n], which are finite, and what is wrong with rows that gave none.

        Raises:
            Exception: the engine's, of subjects that are known to pass.
        """
        with self._meters.timed(Step.SCORE):
            came = bisect(
                len(features),
                lambda rows: self._engine.logits(features.rows(rows)),
                lambda: self._artefact.check_golden(self._engine),
                self._capacity,
            )
        if came.shrunk_to is not None:
            self._exhaustions.report(
                "there is no memory for the batch, which goes on in parts",
                f"{came.exhaustion}; now at most {came.shrunk_to} rows at once",
            )
        if len(came.parts) == 1 and not came.culprits:
            ((_, logits),) = came.parts
        else:
            logits = np.full(len(features), np.nan, np.float32)
            for rows, some in came.parts:
                logits[rows] = some
        finite = np.isfinite(logits)
        if not finite.all() and not came.culprits:
            # Is it the rows, or does it give no number for anything?
            self._artefact.check_golden(self._engine)
        return logits, finite, came.culprits
