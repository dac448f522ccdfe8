"""One version of a model in a registry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a model in a registry.

    Attributes:
        name: Of the model.
        number: Of the version, from 1.
        folder: Where its artefact is.
        digest: SHA-256 of its manifest as the pointer has it; None if it was not asked for by way
            of the pointer.
    """

    name: str
    number: int
    folder: Path
    digest: str | None = None

    def __str__(self) -> str:
        """As people write it: ``url@3``."""
        return f"{self.name}@{self.number}"
