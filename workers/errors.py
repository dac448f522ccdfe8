"""Errors of the workers, each a named type that says whether trying again can help.

``retriable`` stands on the class, so that the retry policy reads off the type. Messages are
written for the operator: the key, the value received, what to do.
"""

from __future__ import annotations

from typing import ClassVar


class WorkerError(Exception):
    """Anything that a worker raises on purpose."""

    retriable: ClassVar[bool] = False


class ConfigurationError(WorkerError):
    """A setting is unknown or has a value that cannot be used."""


class LogError(WorkerError):
    """The log (Kafka or in-process) refused or failed an operation."""


class LogUnavailableError(LogError):
    """The log cannot be reached just now; the same call may succeed later."""

    retriable: ClassVar[bool] = True


class TopicMissingError(LogError):
    """A topic does not exist and the worker may not create it."""


class AuthorisationError(LogError):
    """The credentials are wrong, or do not allow the operation."""


class RecordTooLargeError(LogError):
    """A record is larger than its topic or the client's request size takes."""


class PositionLostError(LogError):
    """A position to read from no longer exists, and the policy is to stop."""


class AssignmentLostError(LogError):
    """A partition is no longer ours: its positions belong to another member of the group."""


class UndecodableError(LogError):
    """A batch of records, as the log keeps it, cannot be decoded: checksum, codec.

    Attributes:
        topic: Where it is.
        partition: Where it is.
        first: Its first offset, as far as it can be told; reading stands there.
        last: Its last offset, as far as it can be told.
    """

    def __init__(self, topic: str, partition: int, first: int, last: int, reason: str) -> None:
        super().__init__(
            f"{topic}[{partition}]: the record batch at offsets {first} to {last} cannot be "
            f"decoded ({reason})"
        )
        self.topic = topic
        self.partition = partition
        self.first = first
        self.last = last
