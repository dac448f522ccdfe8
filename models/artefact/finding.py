"""Finds artefacts below a folder."""

from __future__ import annotations

from pathlib import Path

from models.artefact.manifest import MANIFEST

# Artefacts lie as detector/version; one level more lets a folder of such folders be given.
DEEPEST = 3


def find(folder: Path) -> list[Path]:
    """Folders that hold a manifest: ``folder`` itself, else those up to three levels below it.

    Hidden ones are passed over: a registry has artefacts there that are not whole.
    """
    if (folder / MANIFEST).exists():
        return [folder]
    levels = ["/".join(["*"] * depth) for depth in range(1, DEEPEST + 1)]
    return sorted(
        found.parent
        for level in levels
        for found in folder.glob(f"{level}/{MANIFEST}")
        if not any(part.startswith(".") for part in found.relative_to(folder).parts)
    )
