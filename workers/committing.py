"""Commits positions on their own, as delivery at least once does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from workers.errors import AssignmentLostError, LogUnavailableError
from workers.log.contract import Source, TopicPartition
from workers.metrics.meters import Meters, Step
from workers.offsets import OffsetTracker
from workers.retrying import Reporter


class Committer(Protocol):
    """Commits the positions of what is settled; called by the owner of the source."""

    def commit(
        self, partitions: Iterable[TopicPartition] | None = None, timeout: float = 0.0
    ) -> bool:
        """Commit what has settled of these partitions (None: of all).

        Args:
            partitions: Which.
            timeout: Seconds to wait for a commit of somebody else that is under way.

        Returns:
            Whether all of it is committed now. If not, the fault was reported, and the next
            commit covers it.
        """
        ...


class PositionCommitter:
    """`Committer` through the source.

    Args:
        source: Commits.
        tracker: Knows what has settled.
        reporter: Logs faults.
        meters: Told how long it takes.
    """

    def __init__(
        self, source: Source, tracker: OffsetTracker, reporter: Reporter, meters: Meters
    ) -> None:
        self._source = source
        self._tracker = tracker
        self._reporter = reporter
        self._meters = meters

    def commit(
        self,
        partitions: Iterable[TopicPartition] | None = None,
        timeout: float = 0.0,  # noqa: ARG002 - nobody else commits
    ) -> bool:
        """See `Committer`."""
        positions = self._tracker.committable(partitions)
        if not positions:
            return True
        try:
            with self._meters.timed(Step.COMMIT):
                self._source.commit(positions)
        except (LogUnavailableError, AssignmentLostError) as error:
            report_failed(self._reporter, error)
            return False
        self._tracker.committed(positions)
        return True


def report_failed(reporter: Reporter, error: LogUnavailableError | AssignmentLostError) -> None:
    """Log that positions were not committed."""
    if isinstance(error, AssignmentLostError):
        # The next poll tells which partitions are gone.
        reporter.report("positions were not committed: the partitions have moved", error)
    else:
        reporter.report("positions cannot be committed just now", error)
