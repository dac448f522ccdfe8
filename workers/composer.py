"""Makes a scored batch into rows to publish: verdicts, and dead letters for what was refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import dead_letter, verdict
from schemas.causes import Cause, Rejects, Stage
from schemas.label import Label, scores
from workers.batching import Batch
from workers.judge import Scored
from workers.log.contract import Outgoing
from workers.metrics.meters import Discard, Meters, Step
from workers.settings.policies import PublishPolicy, Topics


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Rows of one batch for one topic.

    Attributes:
        batch: All records of the batch.
        rows: int64[k], which of them these are.
        outgoing: k rows to publish.
    """

    batch: Batch
    rows: NDArray[np.int64]
    outgoing: Outgoing

    def only(self, chosen: NDArray[np.int64]) -> Parcel:
        """Some of the rows, by their place in the parcel."""
        if len(chosen) == len(self.rows):
            return self
        sent, places = self.outgoing, chosen.tolist()
        return Parcel(
            batch=self.batch,
            rows=self.rows[chosen],
            outgoing=Outgoing(
                topic=sent.topic,
                keys=[sent.keys[place] for place in places],
                values=[sent.values[place] for place in places],
                headers=sent.headers and [sent.headers[place] for place in places],
            ),
        )


class Composer:
    """Composes parcels, and counts what it was given.

    Args:
        topics: Names of the topics.
        policy: Which verdicts are published.
        meters: Count.
    """

    def __init__(self, *, topics: Topics, policy: PublishPolicy, meters: Meters) -> None:
        self._topics = topics
        self._least = Label(policy.publish_from).severity
        self._meters = meters
        # A dead letter is cut to what its topic takes.
        self._max_dead_bytes: int | None = None

    def open(self, max_record_bytes: Callable[[str], int]) -> None:
        """Ask the topics what they take, so that a missing one stops us before we read anything.

        Args:
            max_record_bytes: Of the sink or transactions that deliver.

        Raises:
            TopicMissingError: one of them does not exist.
            LogUnavailableError: the log cannot be asked just now.
        """
        max_record_bytes(self._topics.verdict_topic)
        self._max_dead_bytes = max_record_bytes(self._topics.dead_letter_topic)

    def quiet(self, scored: Scored) -> NDArray[np.int64]:
        """Rows whose verdicts are milder than the publish minimum: delivered by being counted."""
        return scored.rows[scored.verdicts.severities() < self._least]

    def parcels(self, scored: Scored) -> list[Parcel]:
        """What is to be published of a batch."""
        with self._meters.timed(Step.ENCODE):
            return list(self._parcels(scored))

    def _parcels(self, scored: Scored) -> Iterator[Parcel]:
        verdicts = scored.verdicts
        severities = verdicts.severities()
        loud = severities >= self._least
        self._meters.judged(severities, scores(verdicts.logits, verdicts.judge.calibration))
        self._meters.discarded(Discard.UNPUBLISHED, int(np.count_nonzero(~loud)))
        if loud.any():
            chosen = np.flatnonzero(loud)
            values = verdict.encode(verdicts, None if loud.all() else chosen)
            yield self._verdicts(scored.batch, scored.rows[chosen], values)
        for stage, rejects in scored.rejects.items():
            yield self.letters(scored.batch, rejects, stage)

    def unpublishable(self, parcel: Parcel, refused: Mapping[int, Exception]) -> Parcel:
        """Dead letters in place of verdicts that their topic can never take.

        Args:
            parcel: Verdicts.
            refused: Which of them, by place in the parcel, each with the log's error.
        """
        return self.letters(
            parcel.batch,
            Rejects(
                rows=parcel.rows[list(refused)],
                causes=[Cause.UNPUBLISHABLE] * len(refused),
                details=[str(error) for error in refused.values()],
            ),
            Stage.PUBLISH,
        )

    def letters(self, batch: Batch, rejects: Rejects, stage: Stage) -> Parcel:
        """Dead letters."""
        records = batch.records
        chosen = rejects.rows.tolist()
        columns = dead_letter.encode(
            dead_letter.DeadLetters(
                origins=batch.origins().take(rejects.rows),
                keys=[records.keys[row] for row in chosen],
                values=[records.values[row] for row in chosen],
                headers=[records.headers[row] for row in chosen],
                causes=rejects.causes,
                details=rejects.details,
                stage=stage,
            ),
            max_bytes=self._max_dead_bytes,
        )
        self._meters.refused(stage, Counter(rejects.causes))
        return Parcel(
            batch=batch,
            rows=rejects.rows,
            outgoing=Outgoing(
                topic=self._topics.dead_letter_topic,
                keys=columns.keys,
                values=columns.values,
                headers=columns.headers,
            ),
        )

    def _verdicts(self, batch: Batch, rows: NDArray[np.int64], values: list[bytes]) -> Parcel:
        keys, headers = batch.records.keys, batch.records.headers
        chosen = rows.tolist()
        passed_on = None
        if any(headers):
            passed_on = [
                [h for h in headers[row] if not h[0].startswith(dead_letter.PREFIX)]
                for row in chosen
            ]
        return Parcel(
            batch=batch,
            rows=rows,
            outgoing=Outgoing(
                topic=self._topics.verdict_topic,
                keys=[keys[row] for row in chosen],
                values=values,
                headers=passed_on,
            ),
        )
