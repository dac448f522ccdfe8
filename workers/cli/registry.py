"""What verbs of `weir models` share: the registry that they are told, and what they are to show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from workers.errors import ConfigurationError
from workers.settings.resolve import Given, load

if TYPE_CHECKING:
    from models.artefact import Artefact, Trust
    from models.registry import Pointer, Registry, Version

REGISTRY: Final = ("models", "require_signature", "trusted_keys")
"""What verbs about a registry take of the settings."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DIGITS: Final = 12
"""As many digits of a digest tell it from others, for people."""

Named = Annotated[
    str, typer.Argument(metavar="NAME@VERSION", help="A version in the registry, e.g. url@3.")
]


def trust_for(given: Given) -> Trust:
    """Whose signatures are asked for."""
    from workers.model_source import trust_of  # noqa: PLC0415

    return trust_of(load(given, detector="url").settings.choice)


def registry_or_none(given: Given) -> Registry | None:
    """The registry that the settings name, if they name one."""
    from workers.model_source import registry_of  # noqa: PLC0415

    return registry_of(load(given, detector="url").settings.choice)


def registry_for(given: Given) -> Registry:
    """The registry that the settings name.

    Raises:
        ConfigurationError: they name none.
    """
    registry = registry_or_none(given)
    if registry is None:
        raise ConfigurationError(
            "Setting 'models' is missing: give the registry's folder by --models or WEIR_MODELS"
        )
    return registry


def numbered(text: str) -> tuple[str, int]:
    """Name and number of what was given as ``NAME@VERSION``.

    Raises:
        RegistryError: it is none, or has no number.
    """
    from models.errors import RegistryError  # noqa: PLC0415
    from models.registry import Reference  # noqa: PLC0415

    reference = Reference.parse(text)
    if "@" not in text or not isinstance(reference.version, int):
        raise RegistryError(f"{text!r} does not say which version; give e.g. {reference.name}@1")
    return reference.name, reference.version


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an artefact is: in a folder, or in the registry as a version.

    Attributes:
        folder: Of the artefact.
        version: In the registry; None of a folder that was given as such.
        registry: The registry, if it is a version in it.
        bundled: Whether it comes with the package.
    """

    folder: Path
    version: Version | None = None
    registry: Registry | None = None
    bundled: bool = False

    def load(self, trust: Trust) -> Artefact:
        """Read and verify it; what comes with the package is trusted as its code is."""
        from models.artefact import ANYONE, load  # noqa: PLC0415
        from models.registry import Registry  # noqa: PLC0415

        if self.registry is not None and self.version is not None:
            return Registry(self.registry.folder, trust).load(self.version)
        return load(self.folder, ANYONE if self.bundled else trust)


def place_of(text: str, given: Given) -> Place:
    """A folder, or a version in the registry: what has an @ and no slash.

    Raises:
        RegistryError: there is no such version.
        ConfigurationError: it is a version, and no registry is named.
    """
    if "@" not in text or "/" in text:
        return Place(folder=Path(text))
    registry = registry_for(given)
    version = registry.resolve(text)
    return Place(folder=version.folder, version=version, registry=registry)


def state(pointer: Pointer, number: int) -> str:
    """What a version is to the pointer: live, candidate, previous, or nothing in particular."""
    pins = {
        "live": pointer.live,
        "candidate": pointer.candidate,
        "previous": pointer.previous[-1] if pointer.previous else None,
    }
    return next((what for what, pin in pins.items() if pin and pin.version == number), "")


def told(content: Any, kind: type, *keys: str) -> Any:
    """What lies under the keys, if it is of that kind: loading checks nothing of the history."""
    from collections.abc import Mapping  # noqa: PLC0415

    for key in keys:
        if not isinstance(content, Mapping):
            return None
        content = content.get(key)
    return content if isinstance(content, kind) else None


def end(problems: list[str]) -> None:
    """Tell what is wrong, and end with exit code 1 if anything is."""
    from schemas.text import visible  # noqa: PLC0415

    for problem in problems:
        typer.echo(f"Error: {visible(problem)}", err=True)
    if problems:
        raise typer.Exit(1)
