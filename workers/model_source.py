"""Finds the model that the settings name: in a folder, in a registry, or in the package."""

from __future__ import annotations

from pathlib import Path

from models.artefact import ANYONE, Artefact, Trust, load
from models.artefact.keys import trusted_keys
from models.detectors import DETECTORS
from models.errors import DetectorError
from models.registry import Registry
from workers.settings.policies import ModelChoice, Settings


def trust_of(choice: ModelChoice) -> Trust:
    """Whose signatures are asked for.

    Raises:
        SignatureError: a file of public keys cannot be used.
    """
    if choice.trusted_keys is None:
        return ANYONE
    keys = trusted_keys(map(Path, choice.trusted_keys.split(",")))
    return Trust(keys=keys, required=choice.require_signature)


def registry_of(choice: ModelChoice) -> Registry | None:
    """The registry, if one is named.

    Raises:
        SignatureError: a file of public keys cannot be used.
    """
    return None if choice.models is None else Registry(choice.models, trust_of(choice))


def load_model(settings: Settings) -> Artefact:
    """The model that the settings name: folder or version, else live version, else the package's.

    Signatures are asked of all that comes from outside of the package; what comes with it is
    trusted as its code is.

    Raises:
        ModelError: it cannot be used, or is for another detector.
    """
    choice = settings.choice
    registry = registry_of(choice)
    if isinstance(choice.model, Path):
        artefact, told = load(choice.model, trust_of(choice)), str(choice.model)
    elif registry is not None:
        version = registry.resolve(choice.model or settings.detector)
        artefact, told = registry.load(version), str(version)
    else:
        artefact, told = load(DETECTORS[settings.detector].bundled), settings.detector
    if artefact.detector.name != settings.detector:
        raise DetectorError(
            f"model '{told}' is for detector '{artefact.detector.name}', not '{settings.detector}'"
        )
    return artefact
