"""Who judges just now: the model in service, a candidate for some keys, and the change of both.

`prepare` asks anew for each batch, and what it prepares knows who is to score it. So a change
falls between two batches: none is lost, repeated or held up by it, and each verdict names the
model that gave it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import structlog

from schemas.causes import NONE_REFUSED, Stage
from schemas.events import Events
from workers.batching import Batch
from workers.judge import Judge, Prepared, Scored
from workers.metrics.service import ServiceMeters
from workers.retrying import Reporter
from workers.service.canary import Canary
from workers.service.onlooker import Onlooker
from workers.settings.policies import RetryPolicy

journal = structlog.get_logger(__name__)

Made = TypeVar("Made")


class Bench:
    """The judges of one pipeline.

    `prepare` and `score` are for the threads of those steps; the rest for any.

    Args:
        judge: The model in service, warm.
        meters: Told of changes.
        onlookers: Shown all that was judged.
        retry: How often the journal tells of what goes on.
    """

    def __init__(
        self,
        judge: Judge,
        meters: ServiceMeters | None = None,
        onlookers: Sequence[Onlooker] = (),
        retry: RetryPolicy | None = None,
    ) -> None:
        self._judge = judge
        self._canary: Canary | None = None
        self._meters = meters or ServiceMeters()
        self._onlookers = tuple(onlookers)
        self._unseen = Reporter(retry or RetryPolicy())
        self._meters.in_service(judge.model, judge.engine)
        self._meters.canary(None)

    @property
    def judge(self) -> Judge:
        """The model in service."""
        return self._judge

    @property
    def canary(self) -> Canary | None:
        """The candidate that judges some keys, if any."""
        return self._canary

    def change(self, judge: Judge) -> None:
        """Let another model, warm, judge from the next batch on."""
        before, self._judge = self._judge, judge
        self._meters.in_service(judge.model, judge.engine)
        self._meters.swapped()
        journal.info(
            "model changed; batches from here on are judged by the new one",
            model=judge.model.name,
            version=judge.model.version,
            digest=judge.model.digest,
            before=before.model.version,
            before_digest=before.model.digest,
        )

    def try_out(self, canary: Canary | None) -> None:
        """Let a candidate, warm, judge its share of keys from the next batch on; None ends that."""
        before, self._canary = self._canary, canary
        self._meters.canary(None if canary is None else canary.judge.model)
        if canary is not None:
            model = canary.judge.model
            journal.info(
                "a canary judges a share of keys",
                model=model.name,
                version=model.version,
                digest=model.digest,
                share=canary.share,
            )
        elif before is not None:
            journal.info("there is no canary any more", version=before.judge.model.version)

    def prepare(self, batch: Batch) -> Iterator[Prepared]:
        """Decode and featurise, in parts that fit in memory; one at least.

        Raises:
            Exception: the featuriser's of the model in service, of a subject that is known to pass.
        """
        judge, canary = self._judge, self._canary
        if canary is None or canary.judge.model == judge.model:
            yield from judge.prepare(batch)
            return
        for events in judge.decode(batch):
            drawn = canary.chosen(batch, events)
            if not drawn.any():
                yield from judge.featurise(batch, events)
                continue
            # What could not be decoded is nobody's; one of the parts has to tell of it.
            if len(events.rejects) or not drawn.all():
                yield from judge.featurise(batch, events.take(np.flatnonzero(~drawn)))
            theirs = replace(events.take(np.flatnonzero(drawn)), rejects=NONE_REFUSED)
            yield from self._tried(canary.judge, judge, batch, theirs)

    def score(self, prepared: Prepared) -> Iterator[Scored]:
        """Let whoever prepared it score it; rows that cannot be judged are refused.

        What a candidate cannot score is scored by the model that was in service when it was
        prepared.

        Raises:
            Exception: the engine's of a model in service, of subjects that are known to pass.
        """
        if prepared.instead is None:
            parts = [(prepared, prepared.judge.score(prepared))]
        else:
            parts = self._scored_by_candidate(prepared, prepared.instead)
        for part, scored in parts:
            for onlooker in self._onlookers:
                self._show(onlooker, part, scored)
            yield scored

    def close(self, timeout: float) -> None:
        """No more is scored; onlookers let go of what they hold, within ``timeout`` seconds."""
        for onlooker in self._onlookers:
            onlooker.close(timeout)

    def _tried(
        self, candidate: Judge, judge: Judge, batch: Batch, events: Events
    ) -> Iterator[Prepared]:
        """Events featurised for the candidate, or for the model in service if it cannot."""
        parts = self._attempt(candidate, lambda: list(candidate.featurise(batch, events)))
        if parts is not None and not any(len(part.refused) for part in parts):
            yield from (replace(part, instead=judge) for part in parts)
            return
        instead = list(judge.featurise(batch, events))
        if parts is not None:
            self._compare(candidate, _refused(parts), _refused(instead))
        yield from instead

    def _scored_by_candidate(
        self, prepared: Prepared, judge: Judge
    ) -> list[tuple[Prepared, Scored]]:
        candidate = prepared.judge
        scored = self._attempt(candidate, lambda: candidate.score(prepared))
        if scored is not None and Stage.SCORE not in scored.rejects:
            return [(prepared, scored)]
        instead = [
            (part, judge.score(part)) for part in judge.featurise(prepared.batch, prepared.events)
        ]
        if scored is not None:
            self._compare(candidate, _unscored([scored]), _unscored([one for _, one in instead]))
        return instead

    def _attempt(self, candidate: Judge, work: Callable[[], Made]) -> Made | None:
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - whatever a candidate raises, its share falls back
            self._give_up(candidate, f"{type(error).__name__}: {error}")
            return None

    def _compare(self, candidate: Judge, refused: int, refused_instead: int) -> None:
        """Rows that nobody can judge are the records' fault; others are the candidate's."""
        if refused > refused_instead:
            fault = f"it cannot judge {refused} records of a batch of which the model in service "
            self._give_up(candidate, fault + f"judges all but {refused_instead}")

    def _give_up(self, candidate: Judge, reason: str) -> None:
        self._meters.canary_failed()
        canary = self._canary
        if canary is None or canary.judge is not candidate:
            return
        self._canary = None
        self._meters.canary(None)
        journal.error(
            "the canary failed and is switched off; its keys are judged by the model in service",
            model=candidate.model.name,
            version=candidate.model.version,
            digest=candidate.model.digest,
            error=reason,
        )

    def _show(self, onlooker: Onlooker, prepared: Prepared, scored: Scored) -> None:
        try:
            onlooker.saw(prepared, scored)
        except Exception as error:  # noqa: BLE001 - whoever only looks on stops nobody
            told = f"{type(error).__name__}: {error}"
            self._unseen.report(f"{type(onlooker).__name__} fails on a batch", told)


def _refused(parts: Sequence[Prepared]) -> int:
    return sum(len(part.refused) for part in parts)


def _unscored(parts: Sequence[Scored]) -> int:
    return sum(len(part.rejects.get(Stage.SCORE, ())) for part in parts)
