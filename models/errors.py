"""Errors of the models, each a named type that says whether trying again can help."""

from __future__ import annotations

from typing import ClassVar


class ModelError(Exception):
    """Anything that the models raise on purpose."""

    retriable: ClassVar[bool] = False


class ArtefactError(ModelError):
    """An artefact cannot be used: missing, altered, or not of this detector."""


class EngineError(ModelError):
    """An engine cannot run here, or disagrees with the artefact's golden vectors."""


class LogitError(ModelError):
    """The network gave something that is not a number."""


class DataError(ModelError):
    """Labelled data cannot be read, or is not fit to train or evaluate on."""


class ResumeError(ModelError):
    """A work folder holds the checkpoints of another training."""
