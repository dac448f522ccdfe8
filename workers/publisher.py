"""Publishes verdicts and dead letters, and settles records as the log acknowledges them."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import dead_letter, verdict
from schemas.causes import Cause, Rejects, Stage
from schemas.label import LABELS, Label
from workers.batching import Batch
from workers.errors import LogUnavailableError, RecordTooLargeError
from workers.judge import Scored
from workers.log.contract import Delivery, Outgoing, Sink
from workers.retrying import Reporter, retrying
from workers.settings.policies import PublishPolicy, RetryPolicy, Topics
from workers.tally import Tally

Settle = Callable[[str, NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]], None]
_Rows = tuple[Batch, NDArray[np.int64], Outgoing]
# Batches published and not yet acknowledged. Acknowledgements take a round trip; with four on
# their way the next batch hardly ever waits for one.
MOST_IN_FLIGHT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flight:
    """Rows of one batch on their way to one topic."""

    batch: Batch
    rows: NDArray[np.int64]
    outgoing: Outgoing
    delivery: Delivery


class Publisher:
    """The last step of a pipeline: `open` first, then the rest from one thread.

    Args:
        sink: Where to.
        topics: Names of the topics.
        policy: Which verdicts are published.
        retry: How faults that pass are waited out.
        settle: Told of rows that are delivered for good; from any thread.
        tally: Counts.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        topics: Topics,
        policy: PublishPolicy,
        retry: RetryPolicy,
        settle: Settle,
        tally: Tally,
    ) -> None:
        self._sink = sink
        self._topics = topics
        self._least = Label(policy.publish_from).severity
        # A dead letter is cut to what its topic takes; `open` asks.
        self._max_dead_bytes: int | None = None
        self._stopping = threading.Event()
        self._retrying = retrying(
            retry, self._stopping, Reporter(retry), "publishing fails and is tried again"
        )
        self._settle = settle
        self._tally = tally
        self._flights: deque[_Flight] = deque()

    def open(self) -> None:
        """Ask the topics what they take, so that a missing one stops us before we read anything.

        Raises:
            TopicMissingError: one of them does not exist.
            LogUnavailableError: the log cannot be asked just now.
        """
        self._sink.max_record_bytes(self._topics.verdict_topic)
        self._max_dead_bytes = self._sink.max_record_bytes(self._topics.dead_letter_topic)

    def publish(self, scored: Scored) -> None:
        """Send a batch's verdicts and dead letters; wait while too many are on their way."""
        batch, verdicts = scored.batch, scored.verdicts
        severities = verdicts.severities()
        loud = severities >= self._least
        self._tally.judged(
            Counter(
                {
                    LABELS[severity].value: count
                    for severity, count in enumerate(
                        np.bincount(severities, minlength=len(LABELS)).tolist()
                    )
                    if count
                }
            ),
            unpublished=int(np.count_nonzero(~loud)),
        )
        if not loud.all():
            # Milder than the publish minimum: delivered by being counted.
            self._settle_rows(batch, scored.rows[~loud])
        if loud.any():
            chosen = np.flatnonzero(loud)
            values = verdict.encode(verdicts, None if loud.all() else chosen)
            self._send_verdicts(batch, scored.rows[chosen], values)
        for stage, rejects in scored.rejects.items():
            self._send_dead(batch, rejects, stage)
        self._collect(MOST_IN_FLIGHT)

    def idle(self) -> None:
        """See to deliveries that have ended meanwhile."""
        while self._flights and self._flights[0].delivery.done():
            self._land(self._flights.popleft())

    def finish(self, deadline: float) -> None:
        """Wait, until ``deadline`` (monotonic), for all that is on its way."""
        while self._flights and time.monotonic() < deadline:
            if self._flights[0].delivery.wait(max(0.0, deadline - time.monotonic())):
                self._land(self._flights.popleft())

    def stop_retrying(self) -> None:
        """From any thread: do not wait before the next attempt."""
        self._stopping.set()

    def _collect(self, most: int) -> None:
        self.idle()
        while len(self._flights) > most:
            if self._flights[0].delivery.wait(1.0):
                self._land(self._flights.popleft())

    def _send_verdicts(self, batch: Batch, rows: NDArray[np.int64], values: list[bytes]) -> None:
        keys, headers = batch.records.keys, batch.records.headers
        chosen = rows.tolist()
        passed_on = None
        if any(headers):
            passed_on = [
                [h for h in headers[row] if not h[0].startswith(dead_letter.PREFIX)]
                for row in chosen
            ]
        self._send(
            batch,
            rows,
            Outgoing(
                topic=self._topics.verdict_topic,
                keys=[keys[row] for row in chosen],
                values=values,
                headers=passed_on,
            ),
        )

    def _send_dead(self, batch: Batch, rejects: Rejects, stage: Stage) -> None:
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
        self._tally.refused(Counter(rejects.causes))
        self._send(
            batch,
            rejects.rows,
            Outgoing(
                topic=self._topics.dead_letter_topic,
                keys=columns.keys,
                values=columns.values,
                headers=columns.headers,
            ),
        )

    def _send(self, batch: Batch, rows: NDArray[np.int64], outgoing: Outgoing) -> None:
        self._flights.append(self._launch(batch, rows, outgoing))

    def _launch(self, batch: Batch, rows: NDArray[np.int64], outgoing: Outgoing) -> _Flight:
        flight = _Flight(
            batch=batch, rows=rows, outgoing=outgoing, delivery=self._sink.publish(outgoing)
        )
        flight.delivery.add_done_callback(lambda _: self._acknowledged(flight))
        return flight

    def _acknowledged(self, flight: _Flight) -> None:
        """On the log's thread: settle what arrived; failures wait for `_land`."""
        rows = flight.rows
        if failures := flight.delivery.failures():
            rows = np.delete(rows, sorted(failures))
        if flight.outgoing.topic == self._topics.dead_letter_topic:
            self._tally.acknowledged(dead=len(rows))
        else:
            self._tally.acknowledged(verdicts=len(rows))
        self._settle_rows(flight.batch, rows)

    def _settle_rows(self, batch: Batch, rows: NDArray[np.int64]) -> None:
        records = batch.records
        self._settle(
            records.topic, records.partitions[rows], records.offsets[rows], batch.epochs[rows]
        )

    def _land(self, flight: _Flight) -> None:
        """See to the rows of a flight that failed, until none is left.

        Raises:
            WorkerError: a failure that neither passes nor concerns one record alone.
        """
        remaining = self._to_retry(flight)
        if remaining is None:
            return

        def once_more() -> None:
            nonlocal remaining
            if remaining is None:
                return
            again = self._launch(*remaining)
            while not again.delivery.wait(1.0):
                if self._stopping.is_set():
                    break
            remaining = self._to_retry(again)
            if remaining is not None:
                raise LogUnavailableError(
                    f"{len(remaining[1])} rows for topic '{remaining[2].topic}' are not "
                    "acknowledged yet"
                )

        self._retrying(once_more)

    def _to_retry(self, flight: _Flight) -> _Rows | None:
        """What of a flight is to be sent again.

        Verdicts that are too large for their topic become dead letters here.

        Raises:
            WorkerError: a failure that neither passes nor concerns one record alone.
        """
        failures = flight.delivery.failures()
        too_large = []
        again = []
        for row, error in failures.items():
            if getattr(error, "retriable", False):
                again.append(row)
            elif (
                isinstance(error, RecordTooLargeError)
                and flight.outgoing.topic == self._topics.verdict_topic
            ):
                too_large.append(row)
            else:
                raise error
        if too_large:
            self._send_dead(
                flight.batch,
                Rejects(
                    rows=flight.rows[too_large],
                    causes=[Cause.UNPUBLISHABLE] * len(too_large),
                    details=[str(failures[row]) for row in too_large],
                ),
                Stage.PUBLISH,
            )
        if not again:
            return None
        outgoing = flight.outgoing
        return (
            flight.batch,
            flight.rows[again],
            Outgoing(
                topic=outgoing.topic,
                keys=[outgoing.keys[row] for row in again],
                values=[outgoing.values[row] for row in again],
                headers=outgoing.headers and [outgoing.headers[row] for row in again],
            ),
        )
