"""`weir models`: which artefacts there are, and whether they are what they should be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workers.cli.app import new_app

if TYPE_CHECKING:
    from models.artefact import Manifest

_AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON array.")]
_HEADS = ("name", "version", "created", "suspicious", "malicious", "detected", "MB", "digest", "")
_DIGITS = 12


def list_models(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER]",
            help="A folder of artefacts, shown beside those of the package.",
            show_default=False,
        ),
    ] = None,
    *,
    as_json: _AsJson = False,
) -> None:
    """List the artefacts of the package, and those of a folder.

    Only manifests are read: logits from which on the labels hold, malicious rows of the test
    split detected at 0.1 % false positives, size. Exit code 1 if a manifest cannot be read.
    """
    from models.artefact import load_manifest  # noqa: PLC0415
    from models.errors import ArtefactError  # noqa: PLC0415

    manifests: list[tuple[Path, Manifest]] = []
    problems = []
    for one in _folders([folder] if folder else [], bundled=True):
        try:
            manifests.append((one, load_manifest(one)))
        except ArtefactError as error:
            problems.append(str(error))
    told = [_described(one, manifest) for one, manifest in manifests]
    if as_json:
        typer.echo(json.dumps(told, indent=1))
    else:
        from workers.cli.terminal import print_table  # noqa: PLC0415

        print_table(_HEADS, [_cells(row) for row in told])
    _end(problems)


def verify_models(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FOLDER]...",
            help="Folders of artefacts. Default: those of the package.",
            show_default=False,
        ),
    ] = None,
    *,
    as_json: _AsJson = False,
) -> None:
    """Verify artefacts: digests, tensors, and golden logits on every engine that runs here.

    Exit code 1 if one is not what it should be.
    """
    from models.artefact import load, verify  # noqa: PLC0415
    from models.errors import ArtefactError  # noqa: PLC0415

    told: list[dict[str, Any]] = []
    problems = []
    for folder in _folders(folders or [], bundled=not folders):
        try:
            artefact = load(folder)
        except ArtefactError as error:
            problems.append(str(error))
            told.append({"folder": str(folder), "ok": False, "problem": str(error)})
            continue
        checks = verify(artefact)
        problems += [f"{folder}: {check.problem}" for check in checks if check.failed]
        told.append(
            {
                "folder": str(folder),
                "name": artefact.name,
                "version": artefact.version,
                "digest": artefact.digest,
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
        typer.echo(json.dumps(told, indent=1))
    else:
        _print_verified(told)
    _end(problems)


def _folders(given: list[Path], *, bundled: bool) -> list[Path]:
    """Artefacts of the package and of what was given; a folder without any stands for itself."""
    from models.artefact import find  # noqa: PLC0415
    from models.detectors import BUNDLED  # noqa: PLC0415

    found = find(BUNDLED) if bundled else []
    for folder in given:
        found += find(folder) or [folder]
    return list(dict.fromkeys(found))


def _described(folder: Path, manifest: Manifest) -> dict[str, Any]:
    content = manifest.content
    return {
        "folder": str(folder),
        "name": manifest.name,
        "version": manifest.version,
        "detector": manifest.detector.name,
        "digest": manifest.digest,
        "created_at": _told(content, str, "created_at"),
        "parameters": manifest.sizes.weights,
        "thresholds": {
            "suspicious": manifest.thresholds.suspicious.logit,
            "malicious": manifest.thresholds.malicious.logit,
        },
        "detected": _told(content, float, "metrics", "test", "all", "detection", "0.001", "share"),
        "bytes": sum(file.bytes for file in manifest.files.values()),
    }


def _told(content: Any, kind: type, *keys: str) -> Any:
    """What lies under the keys, if it is of that kind: loading checks nothing of the history."""
    for key in keys:
        if not isinstance(content, Mapping):
            return None
        content = content.get(key)
    return content if isinstance(content, kind) else None


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["name"],
        str(row["version"]),
        row["created_at"] or "-",
        f"{row['thresholds']['suspicious']:.4f}",
        f"{row['thresholds']['malicious']:.4f}",
        "-" if row["detected"] is None else f"{100 * row['detected']:.2f} %",
        f"{row['bytes'] / 1e6:.1f}",
        row["digest"][:_DIGITS],
        row["folder"],
    )


def _print_verified(told: list[dict[str, Any]]) -> None:
    from workers.cli.terminal import print_table  # noqa: PLC0415

    rows = []
    for one in told:
        named = (one.get("name", "-"), str(one.get("version", "-")))
        for engine, check in one.get("engines", {"-": {}}).items():
            rows.append((*named, engine, _result(check), one["folder"]))
    print_table(("name", "version", "engine", "", ""), rows)


def _result(check: dict[str, Any]) -> str:
    if not check or (check["available"] and check["largest_difference"] is None):
        return "failed"
    if not check["available"]:
        return "does not run here"
    return f"as it should be (logits within {check['largest_difference']:.1g})"


def _end(problems: list[str]) -> None:
    from schemas.text import visible  # noqa: PLC0415

    for problem in problems:
        typer.echo(f"Error: {visible(problem)}", err=True)
    if problems:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = new_app(help="List and verify artefacts: trained weights and what they are.")
    group.command("list")(list_models)
    group.command("verify")(verify_models)
    app.add_typer(group, name="models")
