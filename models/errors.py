"""Errors of the models, each a named type that says whether trying again can help."""

from __future__ import annotations

from typing import ClassVar


class ModelError(Exception):
    """Anything that the models raise on purpose."""

    retriable: ClassVar[bool] = False


class ArtefactError(ModelError):
    """An artefact cannot be used: missing, altered, or not of this detector."""


class DigestError(ArtefactError):
    """A file of an artefact has not the length or digest that its manifest says."""


class ShapeError(ArtefactError):
    """Tensors of an artefact are not those that its network's sizes imply."""


class DetectorError(ArtefactError):
    """An artefact is for another detector than the one that asks for it."""


class SignatureError(ArtefactError):
    """An artefact is not signed as it must be, or a key cannot be used."""


class RegistryError(ModelError):
    """A registry, or a name, version or pointer in it, is not as it should be."""


class RegistryUnavailableError(RegistryError):
    """A registry cannot be read or written just now; the same call may succeed later."""

    retriable: ClassVar[bool] = True


class RegistryBusyError(RegistryError):
    """Somebody else is changing a registry; the same call may succeed later."""

    retriable: ClassVar[bool] = True


class EngineError(ModelError):
    """An engine cannot run here, or disagrees with the artefact's golden vectors."""


class GoldenError(EngineError):
    """An engine disagrees with the artefact's golden vectors."""


class LogitError(ModelError):
    """The network gave something that is not a number."""


class DataError(ModelError):
    """Labelled data cannot be read, or is not fit to train or evaluate on."""


class ResumeError(ModelError):
    """A work folder holds the checkpoints of another training."""
