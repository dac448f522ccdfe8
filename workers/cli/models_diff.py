"""`weir models diff`: what tells two artefacts apart."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workers.cli.options import takes_settings, text_of
from workers.cli.registry import DIGITS, REGISTRY, AsJson, Place, place_of, trust_for
from workers.settings.resolve import Given

if TYPE_CHECKING:
    from models.artefact import Artefact
    from models.artefact.difference import Figure, TensorDifference

_LONGEST = 40
_DIGEST_LENGTH = 64


@takes_settings(*REGISTRY)
def diff(
    given: Given,
    before: Annotated[
        str, typer.Argument(metavar="FOLDER|NAME@VERSION", help="The one, such as url@live.")
    ],
    after: Annotated[
        str, typer.Argument(metavar="FOLDER|NAME@VERSION", help="The other, such as url@4.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Tell what differs between two artefacts: settings, signatures, weights, figures.

    Figures are those of the reports, on each one's own test split: area under the ROC, malicious
    rows detected at false-positive rates, shares at the thresholds, for all rows and each slice.
    Where the digests of the data differ, the splits may too.
    """
    from models.artefact import difference  # noqa: PLC0415

    trust = trust_for(given)
    places = [place_of(text, given) for text in (before, after)]
    first, second = (place.load(trust) for place in places)
    changes = [
        *difference.settings_changed(first, second),
        *_signatures(places),
    ]
    tensors = difference.tensors_changed(first, second)
    figures = difference.figures(first, second)
    if as_json:
        document = {
            "before": _told(before, places[0], first),
            "after": _told(after, places[1], second),
            "settings": [asdict(one) for one in changes],
            "tensors": [asdict(one) for one in tensors],
            "figures": [asdict(one) for one in figures],
        }
        typer.echo(json.dumps(document, indent=1))
        return
    from workers.cli.terminal import print_table  # noqa: PLC0415

    if not changes and not tensors:
        typer.echo("No difference.")
    if changes:
        rows = [(one.what, _short(one.before), _short(one.after)) for one in changes]
        print_table(("setting", before, after), rows)
    if tensors:
        typer.echo()
        print_table(
            ("tensor", before, after, "difference"),
            [
                (
                    one.name,
                    _shape(one.before),
                    _shape(one.after),
                    _weights(one),
                )
                for one in tensors
            ],
        )
    if shown := [one for one in figures if not _same(one)]:
        typer.echo()
        print_table(
            ("slice", "figure", before, after, "change"),
            [(one.slice, one.figure, *_numbers(one)) for one in shown],
        )


def _signatures(places: list[Place]) -> list[Any]:
    from models.artefact.difference import Difference  # noqa: PLC0415
    from models.artefact.signing import signatures_of  # noqa: PLC0415

    keys = [", ".join(one.key for one in signatures_of(place.folder)) for place in places]
    if keys[0] == keys[1]:
        return []
    return [Difference(what="signed by", before=keys[0] or None, after=keys[1] or None)]


def _told(text: str, place: Place, artefact: Artefact) -> dict[str, Any]:
    return {
        "given": text,
        "folder": str(place.folder),
        "name": artefact.name,
        "version": artefact.version,
        "digest": artefact.digest,
    }


def _short(value: object) -> str:
    """A value in a cell: digests by their first digits, and long ones cut."""
    text = text_of(value)
    if isinstance(value, str) and len(value) == _DIGEST_LENGTH:
        return text[:DIGITS]
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _shape(shape: tuple[int, ...] | None) -> str:
    return "none" if shape is None else " x ".join(map(str, shape)) or "one number"


def _weights(tensor: TensorDifference) -> str:
    if tensor.largest is None or tensor.changed is None:
        return "another shape"
    return f"{100 * tensor.changed:.1f} % of the weights, by up to {tensor.largest:.3g}"


def _same(figure: Figure) -> bool:
    return figure.before == figure.after


def _numbers(figure: Figure) -> tuple[str, str, str]:
    shown = ["-" if one is None else f"{one:.6f}" for one in (figure.before, figure.after)]
    if figure.before is None or figure.after is None:
        return shown[0], shown[1], ""
    return shown[0], shown[1], f"{figure.after - figure.before:+.6f}"
