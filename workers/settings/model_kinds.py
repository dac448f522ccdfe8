"""Kinds of value that say where a model is, and whose keys vouch for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from workers.settings.kinds import ExistingFile, ExistingFolder, Text

# As `models.registry.reference` reads it; that module would take the numeric libraries along.
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}@([1-9][0-9]{0,9}|live|candidate)")


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A folder that is there, or a version in a registry, ``NAME@VERSION``.

    What has an @ and no slash is a version, whatever folders there are.
    """

    metavar: str = "FOLDER|NAME@VERSION"

    def read(self, value: object) -> Path | str:
        """The folder, or the version as text."""
        text = Text().read(value).strip()
        if not _is_version(text):
            return ExistingFolder().read(value)
        if _VERSION.fullmatch(text):
            return text
        raise ValueError(
            "not a version in a registry; give e.g. url@3, url@live or url@candidate, or ./ before "
            "a folder of that name"
        )

    def from_base(self, value: object, base: Path) -> object:
        """A folder as it counts from the base; a version as it is."""
        if not isinstance(value, str) or _is_version(value):
            return value
        return str(base / Path(value).expanduser())


def _is_version(text: str) -> bool:
    return "@" in text and "/" not in text


@dataclass(frozen=True, slots=True)
class ExistingFiles:
    """Files that can be read, comma-separated (in TOML also a list)."""

    metavar: str = "FILE,..."

    def read(self, value: object) -> str:
        """The paths, comma-separated."""
        return ",".join(ExistingFile().read(part) for part in _parts(value))

    def from_base(self, value: object, base: Path) -> object:
        """The paths as they count from the base."""
        return [
            str(base / Path(part).expanduser()) if isinstance(part, str) and part else part
            for part in _parts(value)
        ]


def _parts(value: object) -> list[object]:
    if isinstance(value, list):
        return value or [""]
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else [value]
