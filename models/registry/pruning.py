"""Removes versions that are neither new nor in use."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from models.errors import RegistryError
from models.registry.files import failure
from models.registry.pointer import Pointer
from models.registry.promoting import forget
from models.registry.registry import Registry
from models.registry.writing import locked, sync_folder

_REMOVING = ".removing-"


def in_use(pointer: Pointer) -> set[int]:
    """Versions that are never removed: live, candidate, and the one to roll back to."""
    pins = (pointer.live, pointer.candidate, *pointer.previous[-1:])
    return {pin.version for pin in pins if pin is not None}


def prune(registry: Registry, name: str, keep: int, *, dry_run: bool = False) -> list[int]:
    """Remove all but the ``keep`` highest versions of a model and those in use.

    A version is renamed out of sight before it is removed: nobody sees half of one. What a crash
    leaves, the next call removes.

    Args:
        registry: Where.
        name: Of the model.
        keep: How many of the highest versions stay in any case, 0 or more.
        dry_run: Only tell.

    Returns:
        The versions that were removed, or would be.

    Raises:
        RegistryBusyError: somebody else is changing the model's versions.
        RegistryError: there is no such model, or the folder cannot be changed.
    """
    folder = registry.model(name)
    if not folder.is_dir():
        raise RegistryError(f"the registry {registry.folder} has no model '{name}'")
    if dry_run:
        return _idle(registry, name, keep)
    with locked(folder):
        idle = _idle(registry, name, keep)
        forget(registry, name, set(idle))
        try:
            for number in idle:
                (folder / str(number)).rename(folder / f"{_REMOVING}{secrets.token_hex(8)}")
            sync_folder(folder)
            for left in folder.glob(f"{_REMOVING}*"):
                _remove(left)
        except OSError as error:
            raise failure(folder, error, "cannot be pruned") from error
        return idle


def _idle(registry: Registry, name: str, keep: int) -> list[int]:
    numbers = registry.versions(name)
    newest = numbers[len(numbers) - min(keep, len(numbers)) :]
    used = in_use(registry.pointer(name))
    return [number for number in numbers if number not in used and number not in newest]


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path)
