"""Reads verdicts as they come, as the only member of a group that never commits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_when_event_set,
    wait_random_exponential,
)
from tenacity.nap import sleep_using_event

from schemas.errors import ContractError
from schemas.verdict_reader import Verdict, decode_verdict
from workers.errors import LogUnavailableError
from workers.journal import Recurring

if TYPE_CHECKING:
    from workers.log.contract import Log, Records
    from workers.settings.policies import RetryPolicy

journal = structlog.get_logger(__name__)

# Enough to get through a long topic quickly; a turn ends with the first that come.
_POLL_ROWS: Final = 500

# How often a watcher to whom nothing comes looks whether it has been stopped.
_TURN_S: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came in one turn; any part may be empty.

    Attributes:
        verdicts: Each as it is on the topic, and as read.
        others: For each value that is no verdict, where it is and what is wrong with it.
    """

    verdicts: list[tuple[bytes, Verdict]]
    others: list[str]


class Watcher:
    """A reader of one topic.

    Args:
        log: Of which a source is made: it should be of a group of its own.
        topic: Where verdicts are.
        retry: How faults that pass are waited out.

    Raises:
        WorkerError: the log cannot be reached, or the topic does not exist.
    """

    def __init__(self, log: Log, topic: str, *, retry: RetryPolicy) -> None:
        self.stopping = threading.Event()
        self._topic = topic
        self._source = log.source()
        self._recurring = Recurring(period_s=retry.report_period_ms / 1_000)
        self._retrying = Retrying(
            retry=retry_if_exception_type(LogUnavailableError),
            wait=wait_random_exponential(
                multiplier=retry.initial_ms / 1_000, max=retry.max_ms / 1_000
            ),
            stop=stop_when_event_set(self.stopping),
            sleep=sleep_using_event(self.stopping),
            before_sleep=self._report,
            reraise=True,
        )
        self._source.subscribe(topic, self)

    def on_assigned(self, partitions: object) -> None:
        """See `workers.log.contract.AssignmentListener`; nothing is kept."""

    def on_revoked(self, partitions: object) -> None:
        """See `workers.log.contract.AssignmentListener`; nothing is committed."""

    def on_lost(self, partitions: object) -> None:
        """See `workers.log.contract.AssignmentListener`; nothing is committed."""

    @property
    def ready(self) -> bool:
        """Whether the place to start from is fixed, so that nothing that comes now is missed."""
        return bool(self._source.positions())

    def turns(self) -> Iterator[Seen]:
        """What comes, turn by turn, until ``stopping`` is set; at least once in `_TURN_S`."""
        while not self.stopping.is_set():
            try:
                records = self._retrying(self._source.poll, _POLL_ROWS, _TURN_S)
            except LogUnavailableError:
                return  # given up only when told to stop
            yield _read(records)

    def close(self) -> None:
        """Leave the group, which is gone then."""
        self._source.close()

    def _report(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if self._recurring.admit("unavailable") is not None:
            journal.warning(
                "the log cannot be reached and is tried again", topic=self._topic, error=str(error)
            )


def _read(records: Records) -> Seen:
    seen = Seen(verdicts=[], others=[])
    for row, value in enumerate(records.values):
        try:
            seen.verdicts.append((value or b"", decode_verdict(value or b"")))
        except ContractError as error:
            place = f"{records.topic}[{records.partitions[row]}] offset {records.offsets[row]}"
            reason = "no value" if value is None else error
            seen.others.append(f"{place}: {reason}")
    return seen
