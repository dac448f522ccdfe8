"""What a version must be before it is added, promoted or rolled back to."""

from __future__ import annotations

from models.artefact import Artefact
from models.detectors import DETECTORS
from models.errors import RegistryError
from models.registry.registry import Registry
from models.registry.version import Version

# Runs wherever this package does, in a second: the question is whether the weights are right.
_ENGINE = "tables"


def verified(registry: Registry, version: Version) -> Artefact:
    """Load a version and let its golden subjects be judged.

    Raises:
        RegistryError: it is another model or version than its place says.
        ArtefactError: signature, digests or shapes are not right.
        GoldenError: its weights do not give the logits that they must.
    """
    artefact = registry.load(version)
    check_content(artefact)
    return artefact


def check_content(artefact: Artefact) -> None:
    """See that a loaded artefact gives its golden logits, and is for the detector of its name.

    Raises:
        RegistryError: its name is that of another detector.
        GoldenError: its weights do not give the logits that they must.
    """
    if artefact.name in DETECTORS and artefact.detector.name != artefact.name:
        raise RegistryError(
            f"the model '{artefact.name}' is for detector '{artefact.detector.name}', but its name "
            "is that of another; train it under another name"
        )
    artefact.engine(_ENGINE)
