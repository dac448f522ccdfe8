"""`weir models list`: which artefacts there are, in the package, a folder and a registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workers.cli.options import takes_settings
from workers.cli.registry import DIGITS, AsJson, end, registry_or_none, state, told
from workers.settings.resolve import Given

if TYPE_CHECKING:
    from models.artefact import Manifest
    from models.registry import Pointer, Registry

_HEADS = ("name", "version", "created", "suspicious", "malicious", "detected", "MB", "digest")
_OF_REGISTRY = ("state", "signed by")


@takes_settings("models")
def list_models(
    given: Given,
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER]",
            help="A folder of artefacts, shown beside those of the package.",
            show_default=False,
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the artefacts of the package, those of a folder, and those of the registry.

    Only manifests are read: logits from which on the labels hold, malicious rows of the test
    split detected at 0.1 % false positives, size. Of the registry also what is live, candidate,
    and previous (what a rollback leads to), and which keys signed, unchecked. Exit code 1 if a
    manifest or a pointer cannot be read, or what is live is not there as it was promoted.
    """
    from models.artefact import find, load_manifest  # noqa: PLC0415
    from models.detectors import BUNDLED  # noqa: PLC0415
    from models.errors import ModelError  # noqa: PLC0415

    registry = registry_or_none(given)
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    folders = find(BUNDLED) + ((find(folder) or [folder]) if folder else [])
    for one in dict.fromkeys(folders):
        try:
            rows.append(_described(one, load_manifest(one)))
        except ModelError as error:
            problems.append(str(error))
    if registry is not None:
        rows += _of_registry(registry, problems)
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
    else:
        from workers.cli.terminal import print_table  # noqa: PLC0415

        more = _OF_REGISTRY if registry is not None else ()
        print_table(
            (*_HEADS, *more, ""),
            [_cells(row, more) for row in rows],
            emphasis=[row.get("state") == "live" for row in rows],
        )
    end(problems)


def _of_registry(registry: Registry, problems: list[str]) -> list[dict[str, Any]]:
    from models.artefact import load_manifest  # noqa: PLC0415
    from models.artefact.signing import signatures_of  # noqa: PLC0415
    from models.errors import ModelError  # noqa: PLC0415
    from models.registry import Pointer  # noqa: PLC0415

    rows = []
    for name in registry.names():
        pointer = Pointer()
        try:
            pointer = registry.pointer(name)
        except ModelError as error:
            problems.append(str(error))
        for number in registry.versions(name):
            folder = registry.version(name, number).folder
            try:
                row = _described(folder, load_manifest(folder))
                row["state"] = state(pointer, number)
                row["signed_by"] = [signature.key for signature in signatures_of(folder)]
            except ModelError as error:
                problems.append(str(error))
            else:
                rows.append(row)
        found = {row["version"]: row["digest"] for row in rows if row["name"] == name}
        problems += _unlike(name, pointer, found)
    return rows


def _unlike(name: str, pointer: Pointer, found: dict[int, str]) -> Iterator[str]:
    """What the pointer names and is not there, or is another than it was."""
    pins = {"live": pointer.live, "the candidate": pointer.candidate}
    for what, pin in pins.items():
        if pin is not None and found.get(pin.version) != pin.digest:
            told = found.get(pin.version)
            now = "and cannot be found" if told is None else f"but has the digest {told} now"
            yield f"{name}@{pin.version} is {what} with the digest {pin.digest}, {now}"


def _described(folder: Path, manifest: Manifest) -> dict[str, Any]:
    content = manifest.content
    return {
        "folder": str(folder),
        "name": manifest.name,
        "version": manifest.version,
        "detector": manifest.detector.name,
        "digest": manifest.digest,
        "created_at": told(content, str, "created_at"),
        "parameters": manifest.sizes.weights,
        "thresholds": {
            "suspicious": manifest.thresholds.suspicious.logit,
            "malicious": manifest.thresholds.malicious.logit,
        },
        "detected": told(content, float, "metrics", "test", "all", "detection", "0.001", "share"),
        "bytes": sum(file.bytes for file in manifest.files.values()),
    }


def _cells(row: dict[str, Any], more: tuple[str, ...]) -> tuple[str, ...]:
    of_registry = (row.get("state", ""), ", ".join(row.get("signed_by", ())))
    return (
        row["name"],
        str(row["version"]),
        row["created_at"] or "-",
        f"{row['thresholds']['suspicious']:.4f}",
        f"{row['thresholds']['malicious']:.4f}",
        "-" if row["detected"] is None else f"{100 * row['detected']:.2f} %",
        f"{row['bytes'] / 1e6:.1f}",
        row["digest"][:DIGITS],
        *(of_registry if more else ()),
        row["folder"],
    )
