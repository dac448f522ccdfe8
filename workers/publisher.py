"""Publishes verdicts and dead letters, and settles records as the log acknowledges them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.batching import Batch
from workers.composer import Composer, Parcel
from workers.errors import LogUnavailableError, RecordTooLargeError
from workers.health import Health
from workers.judge import Scored
from workers.log.contract import Sink
from workers.log.delivery import Delivery
from workers.metrics.meters import Meters, Step
from workers.retrying import Reporter, retrying
from workers.settings.policies import RetryPolicy, Topics

Settle = Callable[[str, NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]], None]
# Batches published and not yet acknowledged. Acknowledgements take a round trip; with four on
# their way the next batch hardly ever waits for one.
MOST_IN_FLIGHT = 4
# A delivery that takes longer makes one ask whether its topic was deleted: the client would try
# for two minutes before it says so.
LATE_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flight:
    """A parcel on its way."""

    parcel: Parcel
    delivery: Delivery
    launched_at: float


class Publisher:
    """The last step of a pipeline that delivers at least once.

    `open` first, then the rest from one thread.

    Args:
        sink: Where to.
        topics: Names of the topics.
        composer: Makes the rows.
        retry: How faults that pass are waited out.
        settle: Told of rows that are delivered for good; from any thread.
        meters: Count and measure.
        health: Told of faults, and that a wait for the log is one.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        topics: Topics,
        composer: Composer,
        retry: RetryPolicy,
        settle: Settle,
        meters: Meters,
        health: Health,
    ) -> None:
        self._sink = sink
        self._topics = topics
        self._composer = composer
        self._stopping = threading.Event()
        self._retrying = retrying(
            retry,
            self._stopping,
            Reporter(retry),
            "publishing fails and is tried again",
            self._failed,
        )
        self._settle = settle
        self._meters = meters
        self._health = health
        self._flights: deque[_Flight] = deque()

    def open(self) -> None:
        """See `Composer.open`."""
        self._composer.open(self._sink.max_record_bytes)

    def publish(self, scored: Scored) -> None:
        """Send a batch's verdicts and dead letters; wait while too many are on their way."""
        quiet = self._composer.quiet(scored)
        if len(quiet):
            self._settle_rows(scored.batch, quiet)
        for parcel in self._composer.parcels(scored):
            self._flights.append(self._launch(parcel))
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

    def close(self, timeout: float) -> None:
        """Let go of connections; what is not acknowledged by then fails."""
        self._sink.close(timeout)

    def _collect(self, most: int) -> None:
        self.idle()
        while len(self._flights) > most:
            if self._arrives(self._flights[0]):
                self._land(self._flights.popleft())

    def _arrives(self, flight: _Flight) -> bool:
        """Wait for a delivery for a while; where it stays away, see that its topic is there.

        Raises:
            TopicMissingError: it is there no more.
        """
        if flight.delivery.wait(LATE_SECONDS):
            return True
        with suppress(LogUnavailableError):
            self._sink.confirm(flight.parcel.outgoing.topic)
        # The client gives every delivery up after a time of its own.
        self._health.moved(Step.PUBLISH)
        return False

    def _launch(self, parcel: Parcel) -> _Flight:
        launched_at = time.monotonic()
        flight = _Flight(
            parcel=parcel, delivery=self._sink.publish(parcel.outgoing), launched_at=launched_at
        )
        flight.delivery.add_done_callback(lambda _: self._acknowledged(flight))
        return flight

    def _acknowledged(self, flight: _Flight) -> None:
        """On the log's thread: settle what arrived; failures wait for `_land`."""
        rows = flight.parcel.rows
        if failures := flight.delivery.failures():
            rows = np.delete(rows, sorted(failures))
        else:
            self._meters.took(Step.PUBLISH, time.monotonic() - flight.launched_at)
            self._health.log_back(Step.PUBLISH)
        if flight.parcel.outgoing.topic == self._topics.dead_letter_topic:
            self._meters.acknowledged(dead=len(rows))
        else:
            self._meters.acknowledged(verdicts=len(rows))
        self._settle_rows(flight.parcel.batch, rows)

    def _failed(self, error: BaseException | None) -> None:
        self._health.moved(Step.PUBLISH)
        self._health.log_away(Step.PUBLISH, error)

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
            again = self._launch(remaining)
            while not again.delivery.wait(1.0):
                self._health.moved(Step.PUBLISH)
                if self._stopping.is_set():
                    break
            remaining = self._to_retry(again)
            if remaining is not None:
                raise LogUnavailableError(
                    f"{len(remaining.rows)} rows for topic '{remaining.outgoing.topic}' are not "
                    "acknowledged yet"
                )

        self._retrying(once_more)

    def _to_retry(self, flight: _Flight) -> Parcel | None:
        """What of a flight is to be sent again.

        Verdicts that are too large for their topic become dead letters here.

        Raises:
            WorkerError: a failure that neither passes nor concerns one record alone.
        """
        failures = flight.delivery.failures()
        too_large = {}
        again = []
        for row, error in failures.items():
            if getattr(error, "retriable", False):
                again.append(row)
            elif (
                isinstance(error, RecordTooLargeError)
                and flight.parcel.outgoing.topic == self._topics.verdict_topic
            ):
                too_large[row] = error
            else:
                raise error
        if too_large:
            letters = self._composer.unpublishable(flight.parcel, too_large)
            self._flights.append(self._launch(letters))
        return flight.parcel.only(np.array(again, np.int64)) if again else None
