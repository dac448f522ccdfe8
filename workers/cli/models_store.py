"""`weir models add` and `prune`: what the registry holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from workers.cli.options import takes_settings
from workers.cli.registry import DIGITS, REGISTRY, AsJson, registry_for
from workers.settings.resolve import Given


@takes_settings(*REGISTRY)
def add(
    given: Given,
    folders: Annotated[
        list[Path], typer.Argument(metavar="FOLDER...", help="Folders of artefacts.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Copy artefacts into the registry, each to where its manifest's name and version belong.

    Nobody sees one before it is whole and verified. A version that is there already is left as
    it is if it is the same, and refused if it is another: versions never change. What is added
    is not live yet.
    """
    from models.registry.adding import add as copied  # noqa: PLC0415

    registry = registry_for(given)
    rows = []
    for folder in folders:
        added = copied(registry, folder)
        row = {
            "version": str(added.version),
            "folder": str(added.version.folder),
            "digest": added.digest,
            "new": added.new,
            "left_out": list(added.left_out),
        }
        rows.append(row)
        if not as_json:
            what = "added" if added.new else "there already, the same"
            typer.echo(f"{added.version} ({added.digest[:DIGITS]}): {what}")
            if added.left_out:
                typer.echo(f"Not copied: {', '.join(map(repr, added.left_out))}", err=True)
    if as_json:
        typer.echo(json.dumps(rows, indent=1))


@takes_settings("models")
def prune(
    given: Given,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Models. Default: all.", show_default=False),
    ] = None,
    *,
    keep: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="How many of the highest versions stay in any case."),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove versions of the registry but for the highest and those in use.

    The live one, the one that a rollback leads to, and the candidate always stay. Workers keep
    what they have loaded.
    """
    from models.registry.pruning import prune as removed  # noqa: PLC0415

    registry = registry_for(given)
    told = {}
    for name in names or registry.names():
        told[name] = removed(registry, name, keep, dry_run=dry_run)
        if not as_json:
            numbers = ", ".join(map(str, told[name])) or "none"
            typer.echo(f"{name}: {'would remove' if dry_run else 'removed'} {numbers}")
    if as_json:
        typer.echo(json.dumps({"dry_run": dry_run, "removed": told}, indent=1))
