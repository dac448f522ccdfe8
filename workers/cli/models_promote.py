"""`weir models promote`, `rollback`, `candidate`, `history`: which version is live, and was."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from workers.cli.options import takes_settings
from workers.cli.registry import DIGITS, REGISTRY, AsJson, Named, numbered, registry_for
from workers.errors import ConfigurationError
from workers.settings.resolve import Given

if TYPE_CHECKING:
    from models.registry import Pin, Pointer

_Name = Annotated[str, typer.Argument(metavar="NAME", help="A model in the registry, e.g. url.")]


@takes_settings(*REGISTRY)
def promote(given: Given, version: Named, *, as_json: AsJson = False) -> None:
    """Make a version of the registry the live one, in one step, once it is verified.

    Verified are the signature, if one is required or trusted keys are given, digests, shapes,
    name and version, and golden logits. If anything is wrong, or the process is killed, the old
    one stays live. Workers that follow the registry take it up between two batches.
    """
    from models.registry.promoting import promote as change  # noqa: PLC0415

    name, number = numbered(version)
    registry = registry_for(given)
    before = registry.pointer(name)
    after = change(registry, name, number)
    _tell(name, before, after, as_json=as_json)


@takes_settings(*REGISTRY)
def rollback(given: Given, name: _Name, *, as_json: AsJson = False) -> None:
    """Make the version live again that was before the live one; verified as for a promotion.

    Once more, and it is the one before that.
    """
    from models.registry.promoting import roll_back  # noqa: PLC0415

    registry = registry_for(given)
    before = registry.pointer(name)
    _tell(name, before, roll_back(registry, name), as_json=as_json)


@takes_settings(*REGISTRY)
def candidate(
    given: Given,
    version: Annotated[
        str,
        typer.Argument(metavar="NAME[@VERSION]", help="A version in the registry, e.g. url@4."),
    ],
    *,
    none: Annotated[bool, typer.Option("--none", help="Name no candidate any more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Name the version that is tried beside the live one, or with --none none."""
    from models.registry.promoting import name_candidate  # noqa: PLC0415
    from models.registry.reference import check_name  # noqa: PLC0415

    if none and "@" in version:
        raise ConfigurationError(
            f"Option --none is given beside {version!r}; give the model's name alone"
        )
    name, number = (check_name(version), None) if none else numbered(version)
    after = name_candidate(registry_for(given), name, number)
    if as_json:
        typer.echo(json.dumps(asdict(after), indent=1))
    else:
        pin = after.candidate
        typer.echo(
            f"{_told(name, pin)} is the candidate" if pin else f"{name} has no candidate now"
        )


@takes_settings("models")
def history(given: Given, name: _Name, *, as_json: AsJson = False) -> None:
    """Print the last hundred changes of what is live and candidate, the latest last."""
    registry = registry_for(given)
    changes = registry.pointer(name).history
    if as_json:
        typer.echo(json.dumps([asdict(change) for change in changes], indent=1))
        return
    from workers.cli.terminal import print_table  # noqa: PLC0415

    print_table(
        ("at", "change", "version", "by"),
        [
            (one.at, one.action, "none" if one.version is None else str(one.version), one.by)
            for one in changes
        ],
    )


def _tell(name: str, before: Pointer, after: Pointer, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(after), indent=1))
    elif after == before:
        typer.echo(f"{_told(name, after.live)} is live already; nothing changed")
    else:
        was = f"before: {_told(name, before.live)}" if before.live else "the first"
        typer.echo(f"{_told(name, after.live)} is live; {was}")


def _told(name: str, pin: Pin | None) -> str:
    return "nothing" if pin is None else f"{name}@{pin.version} ({pin.digest[:DIGITS]})"
