"""Copies an artefact into a registry: under a hidden name first, verified there, then renamed."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from models.artefact import GOLDEN, MANIFEST, SIGNATURE, WEIGHTS, Artefact, load
from models.errors import ArtefactError, RegistryError
from models.registry.checking import check_content
from models.registry.files import failure
from models.registry.reference import check_name
from models.registry.registry import Registry
from models.registry.version import Version
from models.registry.writing import locked, sync_folder

_STAGING = ".adding-"
_ESSENTIAL = (WEIGHTS, GOLDEN, SIGNATURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What became of it.

    Attributes:
        version: Where it is now.
        digest: Of the artefact.
        new: Whether it was not there before.
        left_out: Names of what was not copied: folders, links, and what begins with a dot.
    """

    version: Version
    digest: str
    new: bool
    left_out: tuple[str, ...]


def add(registry: Registry, source: Path) -> Added:
    """Copy an artefact to the place that its manifest's name and version give it.

    Nobody sees it before it is whole and verified: it is copied beside the models, under a name
    that readers pass over, and renamed at the end. What a crash leaves of that, the next call
    removes.

    Args:
        registry: Where to.
        source: The artefact's folder. Links are followed where loading follows them; the other
            files, report and pictures, are copied if they are regular.

    Raises:
        RegistryError: the name cannot be a folder's, or that version is there and is another.
        RegistryBusyError: somebody else is adding.
        ModelError: it is not what it should be.
    """
    if not registry.folder.is_dir():
        raise RegistryError(f"{registry.folder}: no such folder; make it, and give it as --models")
    with locked(registry.folder):
        _remove_leftovers(registry.folder)
        staging = registry.folder / f"{_STAGING}{secrets.token_hex(8)}"
        try:
            left_out = _copy(source, staging)
            artefact = load(staging, registry.trust)
            check_content(artefact)
            return _place(registry, staging, artefact, left_out)
        except ArtefactError as error:
            # Who reads it knows the source, not our copy.
            raise type(error)(str(error).replace(str(staging), str(source))) from error
        except OSError as error:
            raise failure(registry.folder, error, "cannot be added to") from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _place(registry: Registry, staging: Path, artefact: Artefact, left_out: list[str]) -> Added:
    name, number = check_name(artefact.name), artefact.version
    model = registry.model(name)
    model.mkdir(exist_ok=True)
    with locked(model):
        new = number not in registry.versions(name)
        target = model / str(number)
        if new:
            # Also over an empty folder, and over nothing else.
            staging.rename(target)
            sync_folder(model)
            sync_folder(registry.folder)
        version = registry.version(name, number)
        there = registry.load(version)
        if there.digest != artefact.digest:
            raise RegistryError(
                f"{version} is there already and is another: its digest is {there.digest}, that "
                f"of what was to be added {artefact.digest}; versions never change, so train it "
                "under another number"
            )
    return Added(version=version, digest=artefact.digest, new=new, left_out=tuple(left_out))


def _copy(source: Path, staging: Path) -> list[str]:
    """Copy an artefact's files and wait until they are on disk; return what was left out."""
    try:
        names = sorted(os.listdir(source))  # noqa: PTH208 - names are what is wanted
    except OSError as error:
        raise failure(source, error) from error
    if MANIFEST not in names:
        raise ArtefactError(f"{source / MANIFEST}: no such file; give the folder of an artefact")
    staging.mkdir()
    others = [name for name in names if name not in (*_ESSENTIAL, MANIFEST)]
    left_out = [
        name
        for name in (*(name for name in _ESSENTIAL if name in names), *others, MANIFEST)
        if not _copy_file(source / name, staging / name, link=name not in others)
    ]
    sync_folder(staging)
    return left_out


def _copy_file(source: Path, target: Path, *, link: bool) -> bool:
    """Copy a regular file; return False of anything else. Links are followed if they may be."""
    if source.name.startswith("."):
        return False
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if link else os.O_NOFOLLOW)
    if not link and not stat.S_ISREG(source.lstat().st_mode):
        return False
    try:
        handle = os.open(source, flags)
    except OSError as error:
        raise failure(source, error) from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ArtefactError(f"{source}: not a regular file")
        with target.open("xb") as copy:
            shutil.copyfileobj(file, copy)
            copy.flush()
            os.fsync(copy.fileno())
    return True


def _remove_leftovers(folder: Path) -> None:
    """What a process that was killed has left; nobody else adds while the lock is ours."""
    for left in folder.glob(f"{_STAGING}*"):
        shutil.rmtree(left, ignore_errors=True)
