"""Rows and positions at once: what a worker needs of a log to process each event exactly once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from workers.log.contract import Membership, Outgoing, TopicPartition

Positions = Mapping[Membership, Mapping[TopicPartition, int]]
"""The offsets to go on from, by who commits them."""


class Transactions(Protocol):
    """Publishes rows and commits positions in one: all of it, or nothing. Thread-safe."""

    def commit(
        self,
        outgoing: Sequence[Outgoing],
        positions: Positions,
        timeout: float,
    ) -> Sequence[Mapping[int, Exception]]:
        """One transaction; waits up to ``timeout`` seconds, and for those before it.

        After an error that may have come too late to stop it, the same call again finds out
        whether the transaction was committed (by the positions, which must be new ones), and
        sends it again only if not.

        Args:
            outgoing: Rows to publish; may be empty.
            positions: By who commits them.
            timeout: Seconds.

        Returns:
            For each outgoing, rows that can never be sent, by index, each with its error. Where
            there are any, nothing was published or committed.

        Raises:
            AssignmentLostError: a member is not in its group any more, or the group is in another
                generation; nothing was published or committed.
            ConfigurationError: somebody else has taken over the name of these transactions.
            LogUnavailableError: not committed so far; calling again is right.
            AuthorisationError: the credentials do not allow it.
        """
        ...

    def max_record_bytes(self, topic: str) -> int:
        """As `workers.log.contract.Sink.max_record_bytes`."""
        ...

    def close(self, timeout: float) -> None:
        """Abort what is under way; let go of connections and threads."""
        ...
