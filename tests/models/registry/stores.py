"""Small registries to do anything to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from models.characters.architecture import CharacterConvolutions
from models.registry import Registry
from models.url.normaliser import ALPHABET
from tests.models.networks import save_artefact

TINY = CharacterConvolutions(
    alphabet=ALPHABET, embedding=2, filter_widths=(2,), filters=3, dense=()
)


def artefact(folder: Path, version: int, *, seed: int | None = None) -> Path:
    """An artefact of the model ``url``; another seed gives other weights."""
    save_artefact(folder, TINY, seed=version if seed is None else seed, width=40, version=version)
    return folder


def store(folder: Path, versions: Iterable[int]) -> Registry:
    """A registry with these versions of the model ``url``."""
    folder.mkdir()
    for number in versions:
        artefact(folder / "url" / str(number), number)
    return Registry(folder)


def visible_files(folder: Path) -> set[str]:
    """Paths of all files that readers look at, below a folder."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }
