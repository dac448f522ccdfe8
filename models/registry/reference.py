"""What people call a version: ``url@3``, ``url@live``, ``url@candidate``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from reprlib import repr as shown

from models.artefact.manifest import LATEST_VERSION, LONGEST_NAME
from models.errors import RegistryError

LIVE = "live"
CANDIDATE = "candidate"
# A folder's name everywhere, an object store's key and a Kubernetes path included; nothing that
# leads elsewhere, and nothing hidden.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NUMBER = re.compile("[1-9][0-9]{0,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A version by its number, or by what it is to the pointer.

    Attributes:
        name: Of the model.
        version: Its number, ``"live"`` or ``"candidate"``.
    """

    name: str
    version: int | str

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read ``NAME@VERSION``; a bare name means the live version.

        Raises:
            RegistryError: it is nothing of the kind.
        """
        name, at, version = text.partition("@")
        check_name(name)
        if not at:
            return cls(name=name, version=LIVE)
        if version in (LIVE, CANDIDATE):
            return cls(name=name, version=version)
        number = number_of(version)
        if number is None:
            raise RegistryError(
                f"version {shown(version)} of {shown(text)} is none; give a whole number from 1, "
                f"as in {name}@1, or {LIVE} or {CANDIDATE}"
            )
        return cls(name=name, version=number)

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.name}@{self.version}"


def check_name(name: str) -> str:
    """A model's name that can be a folder's.

    Raises:
        RegistryError: it cannot.
    """
    if not (_NAME.fullmatch(name) and len(name) <= LONGEST_NAME):
        raise RegistryError(
            f"{shown(name)} is no model's name in a registry; give up to {LONGEST_NAME} letters, "
            "digits, '.', '_' and '-', the first a letter or digit"
        )
    return name


def is_name(name: str) -> bool:
    """Whether a folder of that name in a registry may be a model's."""
    return _NAME.fullmatch(name) is not None and len(name) <= LONGEST_NAME


def number_of(text: str) -> int | None:
    """A version's number, written as a folder's name is: no sign, no leading zero."""
    if _NUMBER.fullmatch(text) and int(text) <= LATEST_VERSION:
        return int(text)
    return None
