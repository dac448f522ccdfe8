"""Waits out faults that pass: exponentially, with jitter, until told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_exponential_jitter,
)

from workers.errors import LogUnavailableError
from workers.settings.policies import RetryPolicy

journal = structlog.get_logger(__name__)


class Reporter:
    """Logs a fault that goes on once a period.

    Args:
        policy: Says the period.
        clock: Seconds, monotonic.
    """

    def __init__(self, policy: RetryPolicy, clock: Callable[[], float] = time.monotonic) -> None:
        self._period = policy.report_period_ms / 1000
        self._clock = clock
        self._last = float("-inf")

    def report(self, event: str, error: BaseException | str | None) -> None:
        """Log, unless that was done in this period."""
        now = self._clock()
        if now - self._last >= self._period:
            self._last = now
            journal.warning(event, error=str(error))


def retrying(
    policy: RetryPolicy,
    stop: threading.Event,
    reporter: Reporter,
    event: str,
    failed: Callable[[BaseException | None], None] = lambda _: None,
) -> Retrying:
    """Calls something again while it raises `LogUnavailableError`, until ``stop`` is set.

    Args:
        policy: How long to wait.
        stop: Ends waiting; then the last error is raised.
        reporter: Logs the faults.
        event: What the log says of them.
        failed: Told of each failure, before the wait.
    """

    def before_sleep(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        failed(error)
        reporter.report(event, error)

    return Retrying(
        retry=retry_if_exception_type(LogUnavailableError),
        wait=wait_exponential_jitter(
            multiplier=policy.initial_ms / 1000,
            max=policy.max_ms / 1000,
            jitter=policy.initial_ms / 1000,
        ),
        stop=stop_when_event_set(stop),
        sleep=sleep_using_event(stop),
        before_sleep=before_sleep,
        reraise=True,
    )
