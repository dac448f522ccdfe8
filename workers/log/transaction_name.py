"""The name of a cluster's transactions, and what errors mean for who uses it."""

from __future__ import annotations

import uuid

from workers.errors import ConfigurationError, LogError, LogUnavailableError, WorkerError


class TransactionName:
    """A transactional id.

    Args:
        group_id: Of whose worker.
        given: The name; None for one that nobody else has.

    Attributes:
        text: The name.
        doing: What is done under it, for messages.
    """

    def __init__(self, group_id: str, given: str | None) -> None:
        # Fences of a name that nobody else has come from the cluster: the transaction timed out.
        self._own = given is None
        self.text = given or f"{group_id}-{uuid.uuid4().hex}"
        self.doing = f"transactions '{self.text}'"

    def fenced(self) -> WorkerError:
        """The cluster takes no more from a producer of this name."""
        if self._own:
            return LogUnavailableError(f"{self.doing}: ended by the cluster before they were whole")
        return ConfigurationError(
            f"{self.doing}: somebody else has taken over the name, or we were silent for longer "
            "than --session-timeout-ms; see that it runs once only, and start it again"
        )

    def timeout_refused(self) -> WorkerError:
        """The cluster lets no transaction take as long as ours may."""
        return ConfigurationError(
            f"{self.doing}: --session-timeout-ms is more than the broker's "
            "transaction.max.timeout.ms; give less"
        )

    def for_now(self, error: WorkerError) -> WorkerError:
        """An error of one transaction, in the worker's words already.

        What has no better name may be no more than a group that is just rebalancing, which ends
        this transaction and no other, though clients take it for fatal.
        """
        return LogUnavailableError(str(error)) if type(error) is LogError else error
