"""A candidate that judges the same batches beside the model in service, and decides nothing.

It can hold up, fail or stop nothing: it has a thread and a sink of its own, is handed batches
over a queue that drops what does not fit, and no position waits for it. Whatever it raises costs
it one batch; while it hangs, batches are dropped and counted; when the worker stops, it is not
waited for.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from queue import Empty, Full, Queue

import structlog

from schemas.causes import NONE_REFUSED
from workers.composer import Composer
from workers.judge import Judge, Prepared, Scored
from workers.log.contract import Sink
from workers.log.delivery import Delivery
from workers.metrics.meters import Meters
from workers.metrics.service import Beside, ServiceMeters
from workers.retrying import Reporter
from workers.service.agreement import compared
from workers.settings.policies import PublishPolicy, RetryPolicy, Topics

journal = structlog.get_logger(__name__)

# Parts that wait. One, so that the next is there when one is done: more would hold more memory
# and drop as much.
_WAITING = 1
# As many as a worker has, of which the shadow keeps the encoded verdicts alone.
_MOST_IN_FLIGHT = 4
_WAKE_SECONDS = 0.2
# Rest over work of a shadow that is behind: it takes a tenth of a core at the most.
_REST = 9.0
_LONGEST_REST_SECONDS = 5.0
_BEHIND_SECONDS = 60.0


class Shadow:
    """Judges beside the model in service and publishes to a topic of its own.

    `workers.service.onlooker.Onlooker`; `take` is for any thread.

    Args:
        sink: Makes the shadow's own sink; called on its thread.
        topics: Names of the topics, the verdict topic being the shadow's.
        policy: Which verdicts are published.
        meters: Told of what comes of it.
        retry: How often the journal tells of what goes on.
    """

    def __init__(
        self,
        sink: Callable[[], Sink],
        *,
        topics: Topics,
        policy: PublishPolicy,
        meters: ServiceMeters,
        retry: RetryPolicy,
    ) -> None:
        self._open = sink
        self._sink: Sink | None = None
        self._judge: Judge | None = None
        self._meters = meters
        # What it counts is not the worker's.
        self._composer = Composer(topics=topics, policy=policy, meters=Meters("shadow"))
        self._topic = topics.verdict_topic
        self._waiting: Queue[tuple[Judge, Prepared, Scored]] = Queue(_WAITING)
        self._flights: deque[tuple[Delivery, int]] = deque()
        self._behind, self._failing, self._unpublished = (Reporter(retry) for _ in range(3))
        self._passed_at = float("-inf")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="weir-shadow", daemon=True)
        self._meters.shadow(None)
        self._thread.start()

    def take(self, judge: Judge | None) -> None:
        """Let this candidate, warm, look on from the next batch on; None ends it."""
        before, self._judge = self._judge, judge
        self._meters.shadow(None if judge is None else judge.model)
        if judge is None and before is not None:
            journal.info("there is no shadow any more", version=before.model.version)
        if judge is not None:
            journal.info(
                "a shadow looks on",
                model=judge.model.name,
                version=judge.model.version,
                digest=judge.model.digest,
                topic=self._topic,
            )

    def saw(self, prepared: Prepared, scored: Scored) -> None:
        """Hand a part on, or drop it if the shadow is behind."""
        judge = self._judge
        if judge is None or not len(prepared.events):
            return
        try:
            self._waiting.put_nowait((judge, prepared, scored))
        except Full:
            self._passed_at = time.monotonic()
            self._meters.shadowed(Beside.DROPPED, len(prepared.events))
            self._behind.report(
                "the shadow is behind, so that batches pass it by",
                "it takes longer than the model in service, or the cores are busy",
            )

    def close(self, timeout: float) -> None:
        """Let it go. If it is at work it is given ``timeout`` seconds, and then left behind."""
        self._judge = None
        self._closing.set()
        self._thread.join(timeout)
        if self._thread.is_alive():
            journal.warning("the shadow is at work still and is left behind", waited_s=timeout)

    def _run(self) -> None:
        structlog.contextvars.bind_contextvars(role="shadow")
        while not self._closing.is_set():
            try:
                judge, prepared, scored = self._waiting.get(timeout=_WAKE_SECONDS)
            except Empty:
                self._contained(lambda: self._land(0.0), 0)
                continue
            began = time.monotonic()
            self._contained(
                lambda: self._judged(judge, prepared, scored),  # noqa: B023 - called here and now
                len(prepared.events),
            )
            # Not to hold on to a batch until the next comes.
            del judge, prepared, scored
            now = time.monotonic()
            if now - self._passed_at < _BEHIND_SECONDS:
                self._closing.wait(min(_REST * (now - began), _LONGEST_REST_SECONDS))
        with suppress(Exception):
            if self._sink is not None:
                self._sink.close(_WAKE_SECONDS)

    def _contained(self, work: Callable[[], None], events: int) -> None:
        """Whatever comes of it, the thread goes on."""
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - also what is meant to end threads
            if events:
                self._meters.shadowed(Beside.FAILED, events)
            self._failing.report("the shadow fails on a batch", f"{type(error).__name__}: {error}")

    def _judged(self, judge: Judge, prepared: Prepared, live: Scored) -> None:
        refused = 0
        # Counted at the end, so that a batch is either judged or failed.
        for part in _featurised(judge, prepared):
            scored = judge.score(part)
            refused += sum(map(len, scored.rejects.values()))
            self._publish(scored)
            if prepared.instead is None:
                self._meters.agreed(*compared(live, scored))
        self._meters.shadowed(Beside.JUDGED, len(prepared.events) - refused)
        if refused:
            self._meters.shadowed(Beside.FAILED, refused, batches=0)

    def _publish(self, scored: Scored) -> None:
        # Its refusals are no dead letters: the model in service decides about those.
        for parcel in self._composer.parcels(replace(scored, rejects={})):
            if self._sink is None:
                self._sink = self._open()
            self._flights.append((self._sink.publish(parcel.outgoing), len(parcel.rows)))
        while len(self._flights) > _MOST_IN_FLIGHT and not self._closing.is_set():
            self._land(_WAKE_SECONDS)
        self._land(0.0)

    def _land(self, timeout: float) -> None:
        """See to deliveries that have ended, waiting for the first."""
        deadline = time.monotonic() + timeout
        while self._flights:
            delivery, _ = self._flights[0]
            if not delivery.wait(max(0.0, deadline - time.monotonic())):
                return
            self._flights.popleft()
            if failures := delivery.failures():
                self._meters.shadowed(Beside.FAILED, len(failures), batches=0)
                self._unpublished.report(
                    f"topic '{self._topic}' does not take the shadow's verdicts, which are "
                    "given up",
                    next(iter(failures.values())),
                )


def _featurised(judge: Judge, prepared: Prepared) -> Iterator[Prepared]:
    """A part for the shadow: with the features that are there, if its own would be the same."""
    events = replace(prepared.events, rejects=NONE_REFUSED)
    ours, theirs = (one.artefact.manifest["featuriser"] for one in (judge, prepared.judge))
    if ours == theirs:
        yield Prepared(judge=judge, batch=prepared.batch, events=events, features=prepared.features)
    else:
        yield from judge.featurise(prepared.batch, events)
