"""Whether traffic is still like what the model was validated on: logits and rare tokens."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from models.errors import ArtefactError
from models.reference import Reference, reference_of, stability_index
from workers.journal import Recurring
from workers.judge import Judge, Prepared, Scored
from workers.metrics.service import ServiceMeters
from workers.settings.policies import DriftPolicy

journal = structlog.get_logger(__name__)

# A window slides by a block at a time: so many make it up, fewer where batches are larger.
BLOCKS = 10
# Of a part of a batch, whose tokens are counted: enough to tell, and little beside scoring.
MOST_COUNTED = 64


@dataclass(slots=True)
class _Block:
    """Counts of a run of events."""

    logits: NDArray[np.int64]
    events: int = 0
    tokens: int = 0
    rare: int = 0


class Drift:
    """Compares the last events with the reference of the model in service.

    `workers.service.onlooker.Onlooker`. Events that a canary judged are left out, and a change of
    models begins a new window.

    Args:
        policy: What to compare with, over how many events, and when to warn.
        meters: Told how far they lie apart.
    """

    def __init__(self, policy: DriftPolicy, meters: ServiceMeters) -> None:
        self._policy = policy
        self._meters = meters
        # A drift goes on for days: it is told of less often than a fault.
        self._recurring = Recurring(period_s=policy.report_ms / 1000)
        self._judge: Judge | None = None
        self._reference: Reference | None = None
        self._window: deque[_Block] = deque()
        self._block = _Block(np.zeros(0, np.int64))
        self._first = _First()
        self._drifts = False

    def saw(self, prepared: Prepared, scored: Scored) -> None:
        """Count a part of a batch."""
        if prepared.instead is not None or not len(scored.rows):
            return
        if prepared.judge is not self._judge:
            self._begin(prepared.judge)
        logits = scored.verdicts.logits
        tokens = _tokens(prepared)
        if self._reference is None:
            self._first.add(logits, tokens)
            if self._first.events >= self._policy.events:
                self._take(self._first.reference())
                journal.info(
                    "the first events are what later ones are compared with to see drift",
                    events=self._first.events,
                )
                self._first = _First()
            return
        block, reference = self._block, self._reference
        block.logits += reference.count(logits)
        block.events += len(logits)
        block.tokens += int(tokens.sum())
        block.rare += reference.count_rare(tokens)
        if block.events >= self._policy.events / BLOCKS:
            self._slide(block)
            if sum(one.events for one in self._window) >= self._policy.events:
                self._compare(prepared.judge, reference)

    def close(self, timeout: float) -> None:
        """Nothing is held."""

    def _begin(self, judge: Judge) -> None:
        self._judge, self._drifts = judge, False
        self._first = _First()
        self._take(self._of_validation(judge))

    def _of_validation(self, judge: Judge) -> Reference | None:
        if self._policy.reference == "first":
            return None
        try:
            reference = reference_of(judge.artefact)
        except ArtefactError as error:
            journal.warning("the model's reference for drift cannot be used", error=str(error))
            return None
        if reference is None:
            journal.info(
                "the model does not state what validation showed; its first events take the "
                "place of that, to see drift",
                events=self._policy.events,
            )
        return reference

    def _take(self, reference: Reference | None) -> None:
        self._reference = reference
        self._window.clear()
        self._block = _Block(np.zeros(0 if reference is None else len(reference.shares), np.int64))
        self._meters.drifted(None, None, None)

    def _slide(self, block: _Block) -> None:
        """Take a block in, and leave out the oldest as long as the rest is enough."""
        self._window.append(block)
        self._block = _Block(np.zeros_like(block.logits))
        events = sum(one.events for one in self._window)
        while events - self._window[0].events >= self._policy.events:
            events -= self._window.popleft().events

    def _compare(self, judge: Judge, reference: Reference) -> None:
        counts = np.sum([block.logits for block in self._window], axis=0)
        tokens = sum(block.tokens for block in self._window)
        rare = sum(block.rare for block in self._window)
        of_logits = stability_index(counts, reference.shares, reference.rows)
        of_rare = stability_index(
            # Tokens of a subject go together: they count for no more than their subjects.
            np.array([rare, tokens - rare]) * (counts.sum() / max(1, tokens)),
            np.array([reference.rare, 1 - reference.rare]),
            reference.rows,
        )
        share = rare / max(1, tokens)
        self._meters.drifted(of_logits, of_rare, share)
        drifts = max(of_logits, of_rare) >= self._policy.warn
        if drifts and self._recurring.admit("drift") is not None:
            journal.warning(
                "traffic has drifted from what the model is compared with: see Drift in "
                "deploy/models.md",
                model=judge.model.name,
                version=judge.model.version,
                index_of_logits=round(of_logits, 3),
                index_of_rare_tokens=round(of_rare, 3),
                rare_tokens=round(share, 4),
                rare_tokens_in_reference=round(reference.rare, 4),
            )
        if self._drifts and not drifts:
            journal.info("traffic is again like what the model was compared with")
        self._drifts = drifts


class _First:
    """Gathers the first events, until they are a reference."""

    def __init__(self) -> None:
        self._logits: list[NDArray[np.floating]] = []
        self._tokens: NDArray[np.int64] | None = None
        self.events = 0

    def add(self, logits: NDArray[np.floating], tokens: NDArray[np.int64]) -> None:
        self._logits.append(logits)
        self._tokens = tokens if self._tokens is None else self._tokens + tokens
        self.events += len(logits)

    def reference(self) -> Reference:
        tokens = np.zeros(1, np.int64) if self._tokens is None else self._tokens
        return Reference.of(np.concatenate(self._logits), tokens)


def _tokens(prepared: Prepared) -> NDArray[np.int64]:
    features = prepared.features
    step = max(1, len(features) // MOST_COUNTED)
    return features.rows(slice(None, None, step)).tokens()
