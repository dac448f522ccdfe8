"""What a place that the settings name holds just now, told by contents and without loading it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from models.artefact import GOLDEN, MANIFEST, SIGNATURE, WEIGHTS
from models.artefact.manifest import LARGEST_MANIFEST
from models.registry import Registry
from models.registry.files import read_file
from models.registry.reference import CANDIDATE, Reference
from workers.model_source import registry_of
from workers.settings.policies import ModelChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What is there; equal to another as long as neither the pointer nor a file has changed.

    Attributes:
        what: The folder, or the version as ``url@3``.
        digest: SHA-256 of the manifest that is there; None if there is none.
        pinned: The digest that the registry's pointer says; None where no pointer was asked.
        files: Of the artefact's other files: name, length and time of change.
    """

    what: str
    digest: str | None
    pinned: str | None
    files: tuple[tuple[str, int, int], ...]

    @property
    def sound(self) -> bool:
        """Whether the manifest is the one that was promoted, as far as that is known."""
        return self.pinned in (None, self.digest)


class Place:
    """A folder or a version in a registry, as ``--model``, ``--shadow`` and ``--canary`` take it.

    Args:
        choice: The model's settings.
        detector: Whose live version None stands for, where there is a registry.
    """

    def __init__(self, choice: ModelChoice, detector: str) -> None:
        self._choice = choice
        self._detector = detector

    @property
    def fixed(self) -> bool:
        """Whether nothing can change: it is the package's own model."""
        return self._choice.model is None and self._choice.models is None

    def holding(self) -> Holding | None:
        """What is there; None if it is the candidate that is asked for and none is named.

        Raises:
            ModelError: it cannot be told.
        """
        model = self._choice.model
        if isinstance(model, Path):
            return _of_folder(str(model), model, None)
        registry = registry_of(self._choice)
        if registry is None:
            return None
        return _of_registry(registry, Reference.parse(model or self._detector))


def _of_registry(registry: Registry, reference: Reference) -> Holding | None:
    if reference.version == CANDIDATE:
        version = registry.candidate(reference.name)
        if version is None:
            return None
    else:
        version = registry.resolve(reference)
    return _of_folder(str(version), version.folder, version.digest)


def _of_folder(what: str, folder: Path, pinned: str | None) -> Holding:
    manifest = read_file(folder / MANIFEST, LARGEST_MANIFEST)
    files = []
    for name in (WEIGHTS, GOLDEN, SIGNATURE):
        try:
            found = (folder / name).stat()
        except OSError:
            continue
        files.append((name, found.st_size, found.st_mtime_ns))
    return Holding(
        what=what,
        digest=None if manifest is None else hashlib.sha256(manifest).hexdigest(),
        pinned=pinned,
        files=tuple(files),
    )
