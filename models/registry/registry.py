"""Reads a registry: what there is, what is live, and the artefact of a version."""

from __future__ import annotations

import os
from pathlib import Path

from models.artefact import ANYONE, GOLDEN, MANIFEST, SIGNATURE, WEIGHTS, Artefact, Trust, load
from models.errors import DigestError, RegistryError
from models.registry.files import check_inside, folders_in, read_file
from models.registry.pointer import LARGEST_POINTER, POINTER, Pin, Pointer, parse_pointer
from models.registry.reference import CANDIDATE, LIVE, Reference, check_name, is_name, number_of
from models.registry.version import Version


class Registry:
    """A folder of models and their versions, read without locks; may be read-only.

    Methods may be called from any thread; each reads anew.

    Args:
        folder: The registry.
        trust: Whose signatures are asked for; nobody's by default.

    Attributes:
        folder: The registry.
        trust: Whose signatures are asked for.
    """

    def __init__(self, folder: Path, trust: Trust = ANYONE) -> None:
        self.folder = folder
        self.trust = trust

    def names(self) -> list[str]:
        """Names of the models, sorted.

        Raises:
            RegistryError: the folder cannot be read, or is not there.
        """
        if not self.folder.is_dir():
            raise RegistryError(f"{self.folder}: no such folder; give the registry's")
        return [name for name in folders_in(self.folder) if is_name(name)]

    def versions(self, name: str) -> list[int]:
        """Numbers of a model's versions, sorted; none if there is no such model.

        Raises:
            RegistryError: the name cannot be one, or the folder cannot be read.
        """
        found = map(number_of, folders_in(self.model(name)))
        return sorted(number for number in found if number is not None)

    def model(self, name: str) -> Path:
        """The folder of a model's versions, whether or not it is there.

        Raises:
            RegistryError: the name cannot be one, or the folder is a link out of the registry.
        """
        folder = self.folder / check_name(name)
        if os.path.lexists(folder):
            check_inside(folder, self.folder)
        return folder

    def pointer(self, name: str) -> Pointer:
        """What the pointer says just now; an empty one if nothing was ever promoted.

        A few system calls and some hundred bytes: cheap enough to ask every second. Compare what
        it returns with what it returned before; times of files say nothing on volumes that are
        copied or mounted.

        Raises:
            RegistryError: it cannot be read, or is none.
        """
        path = self.model(name) / POINTER
        raw = read_file(path, LARGEST_POINTER)
        if raw is None:
            return Pointer()
        check_inside(path, self.folder)
        try:
            return parse_pointer(raw)
        except RegistryError as error:
            raise RegistryError(f"{path}: {error}") from error

    def live(self, name: str) -> Version:
        """The version that works.

        Raises:
            RegistryError: there is none, or the registry cannot be read.
        """
        pin = self.pointer(name).live
        if pin is None:
            known = ", ".join(f"{name}@{number}" for number in self.versions(name)) or "none"
            raise RegistryError(
                f"no version of '{name}' is live in the registry {self.folder}; promote one by "
                f"weir models promote (there are: {known})"
            )
        return self.pinned(name, pin)

    def candidate(self, name: str) -> Version | None:
        """The version that is tried beside the live one, if any.

        Raises:
            RegistryError: the registry cannot be read.
        """
        pin = self.pointer(name).candidate
        return None if pin is None else self.pinned(name, pin)

    def resolve(self, reference: str | Reference) -> Version:
        """What ``url@3``, ``url@live``, ``url@candidate`` or ``url`` (live) stands for.

        Raises:
            RegistryError: there is no such version, or the registry cannot be read.
        """
        if isinstance(reference, str):
            reference = Reference.parse(reference)
        if reference.version == LIVE:
            return self.live(reference.name)
        if reference.version == CANDIDATE:
            version = self.candidate(reference.name)
            if version is None:
                raise RegistryError(
                    f"'{reference.name}' has no candidate in the registry {self.folder}; name one "
                    "by weir models candidate"
                )
            return version
        return self.version(reference.name, int(reference.version))

    def version(self, name: str, number: int) -> Version:
        """A version by its number.

        Raises:
            RegistryError: there is none, or the registry cannot be read.
        """
        known = self.versions(name)
        if number not in known:
            told = ", ".join(map(str, known)) or "none"
            raise RegistryError(
                f"the registry {self.folder} has no {name}@{number}; versions of '{name}': {told}"
            )
        return self._version(name, number, None)

    def pinned(self, name: str, pin: Pin) -> Version:
        """The version that a pin of the model's pointer names; whether it is there shows `load`.

        Raises:
            RegistryError: the name cannot be one.
        """
        return self._version(name, pin.version, pin.digest)

    def _version(self, name: str, number: int, digest: str | None) -> Version:
        folder = self.model(name) / str(number)
        return Version(name=name, number=number, folder=folder, digest=digest)

    def load(self, version: Version) -> Artefact:
        """Read a version and verify it, as `models.artefact.load` does, and that it is that one.

        A manifest of another name or version is refused, though it be signed: an old model cannot
        pose as a new one.

        Raises:
            RegistryError: it lies outside of the registry, or is another model or version.
            DigestError: a file, or the manifest since it was promoted, has been exchanged.
            SignatureError: its signature is missing, though required, or wrong.
            ArtefactError: anything else about it is not as it should be.
        """
        check_inside(version.folder, self.folder)
        for file in (MANIFEST, WEIGHTS, GOLDEN, SIGNATURE):
            if os.path.lexists(version.folder / file):
                check_inside(version.folder / file, self.folder)
        artefact = load(version.folder, self.trust)
        if (artefact.name, artefact.version) != (version.name, version.number):
            raise RegistryError(
                f"{version.folder} holds {artefact.name}@{artefact.version}, as its manifest says, "
                f"and not {version}; add it by weir models add, which finds its place"
            )
        if version.digest is not None and artefact.digest != version.digest:
            raise DigestError(
                f"{version.folder}: the manifest has the digest {artefact.digest}, and had "
                f"{version.digest} when {version} was promoted: it was exchanged since"
            )
        return artefact
