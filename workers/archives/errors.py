"""What goes wrong with files."""

from __future__ import annotations

from workers.errors import WorkerError


class InputError(WorkerError):
    """An input broke off or cannot be unpacked."""


class ResumeError(WorkerError):
    """A run that was cut off cannot be gone on with: something is other than it was."""


class ScoringProcessError(WorkerError):
    """A process that scores has died."""
