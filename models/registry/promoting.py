"""Changes of the pointer: promote, roll back, name a candidate.

Each verifies first and then replaces one file, under the model's lock: whoever reads, whenever,
sees the pointer of before or that of after, and so does who comes after a crash.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from models.errors import DigestError, RegistryError
from models.registry.checking import verified
from models.registry.pointer import POINTER, Action, Change, Pin, Pointer, encode_pointer
from models.registry.registry import Registry
from models.registry.writing import locked, now, replace_file, who


def promote(registry: Registry, name: str, number: int) -> Pointer:
    """Make a version the live one; if it is already, nothing changes.

    A candidate that is promoted is none any more.

    Returns:
        The pointer that holds now.

    Raises:
        RegistryBusyError: somebody else is changing the model's versions.
        ModelError: the version is not what it should be; the old one stays live.
    """
    with _changing(registry, name) as pointer:
        pin = _verified_pin(registry, name, number, pointer)
        live = pointer.live
        if live is not None and live.version == number:
            return pointer
        return _write(
            registry,
            name,
            replace(
                pointer,
                live=pin,
                previous=(*pointer.previous, *([live] if live else [])),
                candidate=_candidate_beside(number, pointer),
            ),
            "promote",
            number,
        )


def roll_back(registry: Registry, name: str) -> Pointer:
    """Make the version live that was before the live one; again, and it is the one before that.

    If it was the candidate, it is none any more.

    Returns:
        The pointer that holds now.

    Raises:
        RegistryBusyError: somebody else is changing the model's versions.
        RegistryError: there was none before.
        ModelError: the one before is not what it should be; the live one stays.
    """
    with _changing(registry, name) as pointer:
        if not pointer.previous:
            raise RegistryError(
                f"'{name}' has no version to roll back to; promote one by its number"
            )
        *before, last = pointer.previous
        pin = _verified_pin(registry, name, last.version, pointer)
        return _write(
            registry,
            name,
            replace(
                pointer,
                live=pin,
                previous=tuple(before),
                candidate=_candidate_beside(pin.version, pointer),
            ),
            "rollback",
            pin.version,
        )


def name_candidate(registry: Registry, name: str, number: int | None) -> Pointer:
    """Name the version that is tried beside the live one, or (None) none.

    Returns:
        The pointer that holds now.

    Raises:
        RegistryBusyError: somebody else is changing the model's versions.
        ModelError: the version is not what it should be, or is live; the old candidate stays.
    """
    with _changing(registry, name) as pointer:
        if number is None:
            if pointer.candidate is None:
                return pointer
            return _write(registry, name, replace(pointer, candidate=None), "candidate", None)
        if pointer.live is not None and pointer.live.version == number:
            raise RegistryError(f"{name}@{number} is live; a candidate is another version")
        pin = _verified_pin(registry, name, number, pointer)
        if pointer.candidate is not None and pointer.candidate.version == number:
            return pointer
        return _write(registry, name, replace(pointer, candidate=pin), "candidate", number)


def _candidate_beside(live: int, pointer: Pointer) -> Pin | None:
    """The candidate, unless it is live now."""
    candidate = pointer.candidate
    return None if candidate is not None and candidate.version == live else candidate


def forget(registry: Registry, name: str, numbers: set[int]) -> None:
    """Roll back to none of these any more; under the lock, before they are removed."""
    pointer = registry.pointer(name)
    left = tuple(pin for pin in pointer.previous if pin.version not in numbers)
    if left != pointer.previous:
        version = pointer.live.version if pointer.live else None
        _write(registry, name, replace(pointer, previous=left), "prune", version)


@contextmanager
def _changing(registry: Registry, name: str) -> Iterator[Pointer]:
    """The pointer as it is while nobody else can change it."""
    folder = registry.model(name)
    if not folder.is_dir():
        known = ", ".join(registry.names()) or "none"
        raise RegistryError(
            f"the registry {registry.folder} has no model '{name}'; models: {known}"
        )
    with locked(folder):
        yield registry.pointer(name)


def _verified_pin(registry: Registry, name: str, number: int, pointer: Pointer) -> Pin:
    version = registry.version(name, number)
    artefact = verified(registry, version)
    for pin in (pointer.live, pointer.candidate, *pointer.previous):
        if pin is not None and pin.version == number and pin.digest != artefact.digest:
            raise DigestError(
                f"{version.folder}: the manifest has the digest {artefact.digest}, and had "
                f"{pin.digest} when {version} was promoted: it was exchanged since; a version "
                "never changes, so give what is new another number"
            )
    return Pin(version=number, digest=artefact.digest, at=now())


def _write(
    registry: Registry, name: str, pointer: Pointer, action: Action, version: int | None
) -> Pointer:
    change = Change(at=now(), action=action, version=version, by=who())
    changed = replace(pointer, revision=pointer.revision + 1, history=(*pointer.history, change))
    replace_file(registry.model(name) / POINTER, encode_pointer(changed))
    return registry.pointer(name)
