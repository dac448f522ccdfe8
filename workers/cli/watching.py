"""Reads verdicts as they come, as the only member of a group that never commits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schemas.errors import ContractError
from schemas.verdict_reader import Verdict, decode_verdict
from workers.errors import LogUnavailableError
from workers.retrying import Reporter, retrying

if TYPE_CHECKING:
    from workers.log.contract import Log, Records
    from workers.settings.policies import RetryPolicy

# Enough to get through a long topic quickly; a turn ends with the first that come.
_POLL_ROWS: Final = 500

# How often a watcher to whom nothing comes looks whether it has been stopped.
_TURN_S: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One value of the topic.

    Attributes:
        value: As it is there.
        verdict: As read; None if it is no verdict.
        problem: Then where it is and what is wrong with it.
    """

    value: bytes
    verdict: Verdict | None = None
    problem: str = ""


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
        self._source = log.source()
        self._retrying = retrying(
            retry,
            self.stopping,
            Reporter(retry),
            f"topic '{topic}' cannot be read and is tried again",
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

    def turns(self) -> Iterator[list[Seen]]:
        """What comes, turn by turn, until ``stopping`` is set; at least once in `_TURN_S`."""
        while not self.stopping.is_set():
            try:
                records = self._retrying(self._source.poll, _POLL_ROWS, _TURN_S)
            except LogUnavailableError:
                return  # given up only when told to stop
            yield list(_read(records))

    def close(self) -> None:
        """Leave the group, which is gone then."""
        self._source.close()


def _read(records: Records) -> Iterator[Seen]:
    for row, value in enumerate(records.values):
        try:
            yield Seen(value=value or b"", verdict=decode_verdict(value or b""))
        except ContractError as error:
            place = f"{records.topic}[{records.partitions[row]}] offset {records.offsets[row]}"
            reason = "no value" if value is None else error
            yield Seen(value=value or b"", problem=f"{place}: {reason}")
