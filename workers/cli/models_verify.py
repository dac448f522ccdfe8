"""`weir models verify`: whether artefacts are what they should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workers.cli.options import takes_settings
from workers.cli.registry import (
    REGISTRY,
    AsJson,
    Place,
    end,
    place_of,
    registry_or_none,
    trust_for,
)
from workers.settings.resolve import Given

if TYPE_CHECKING:
    from models.artefact import Trust


@takes_settings(*REGISTRY)
def verify_models(
    given: Given,
    places: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FOLDER|NAME@VERSION]...",
            help=(
                "Folders of artefacts, or versions in the registry. Default: all of the registry, "
                "without one those of the package."
            ),
            show_default=False,
        ),
    ] = None,
    *,
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="PEM file of public keys; one of them must have signed, whatever else is set.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify artefacts: signature, digests, tensors, golden logits on every engine that runs here.

    Signatures are looked at with --key or --trusted-keys, and must be there with --key or
    --require-signature. Exit code 1 if an artefact is not what it should be.
    """
    from models.artefact import verify  # noqa: PLC0415
    from models.errors import ModelError  # noqa: PLC0415

    trust = _trust(given, key)
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for text, place in _places(places or [], given, problems):
        try:
            artefact = place.load(trust)
        except ModelError as error:
            problems.append(str(error))
            reason = type(error).__name__
            rows.append({"folder": text, "ok": False, "reason": reason, "problem": str(error)})
            continue
        checks = verify(artefact)
        problems += [f"{text}: {check.problem}" for check in checks if check.failed]
        rows.append(
            {
                "folder": str(place.folder),
                "name": artefact.name,
                "version": artefact.version,
                "digest": artefact.digest,
                "signer": artefact.signer,
                "ok": not any(check.failed for check in checks),
                "engines": {
                    check.engine: {
                        "available": check.available,
                        "largest_difference": check.difference,
                        "problem": check.problem or None,
                    }
                    for check in checks
                },
            }
        )
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
    else:
        _print(rows)
    end(problems)


def _trust(given: Given, key: Path | None) -> Trust:
    if key is None:
        return trust_for(given)
    from models.artefact import Trust  # noqa: PLC0415
    from models.artefact.keys import trusted_keys  # noqa: PLC0415

    return Trust(keys=trusted_keys([key]), required=True)


def _places(texts: list[str], given: Given, problems: list[str]) -> list[tuple[str, Place]]:
    """What was given, a folder without any artefact standing for itself; else what there is."""
    from models.artefact import find  # noqa: PLC0415
    from models.detectors import BUNDLED  # noqa: PLC0415
    from models.errors import ModelError  # noqa: PLC0415

    if not texts:
        registry = registry_or_none(given)
        if registry is None:
            return [(str(one), Place(folder=one, bundled=True)) for one in find(BUNDLED)]
        texts = [
            f"{name}@{number}" for name in registry.names() for number in registry.versions(name)
        ]
    found: dict[str, Place] = {}
    for text in texts:
        try:
            place = place_of(text, given)
        except ModelError as error:
            problems.append(str(error))
            continue
        if place.version is not None:
            found[text] = place
        else:
            found |= {str(one): Place(folder=one) for one in find(place.folder) or [place.folder]}
    return list(found.items())


def _print(rows: list[dict[str, Any]]) -> None:
    from workers.cli.terminal import print_table  # noqa: PLC0415

    cells = []
    for one in rows:
        named = (one.get("name", "-"), str(one.get("version", "-")))
        if one.get("signer"):
            cells.append((*named, "signature", f"by key {one['signer']}", one["folder"]))
        for engine, check in one.get("engines", {"-": {}}).items():
            cells.append((*named, engine, _result(check), one["folder"]))
    print_table(("name", "version", "check", "", ""), cells)


def _result(check: dict[str, Any]) -> str:
    if not check or (check["available"] and check["largest_difference"] is None):
        return "failed"
    if not check["available"]:
        return "does not run here"
    return f"as it should be (logits within {check['largest_difference']:.1g})"
