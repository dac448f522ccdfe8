"""Options of the verbs that read labelled data."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workers.errors import ConfigurationError

if TYPE_CHECKING:
    from models.training.data import Columns

_PANEL = "Labelled data"

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        metavar="FILE",
        help="Labelled texts: .parquet, .csv or .jsonl (CSV and JSON Lines also as .gz).",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
_FROM_RECIPE = "Default: as the detector's data has it."
TextColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"Column of the text, or of the page. {_FROM_RECIPE}",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
LabelColumn = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="Column of the label: 0 benign, 1 malicious.", rich_help_panel=_PANEL
    ),
]
SplitColumn = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help=(
            "Column that says train, validation or test. Where the data has none, rows are "
            "split 80/10/10 by a digest of their group."
        ),
        rich_help_panel=_PANEL,
    ),
]
SourceColumn = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help=(
            "Column of where a row is from, if there is one; figures are given for each, by "
            "what stands before a colon."
        ),
        rich_help_panel=_PANEL,
    ),
]
GroupColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default=False,
        help=(
            "Column of what must not cross splits, such as a domain, if there is one; by "
            f"default rows with the same text belong together. {_FROM_RECIPE}"
        ),
        rich_help_panel=_PANEL,
    ),
]


def columns(
    own: Columns, *, text: str | None, label: str, split: str, source: str, group: str | None
) -> Columns:
    """Names of columns as the data's reader takes them.

    Args:
        own: Those of the detector's recipe.
        text: Given by an option, or None.
        label: As above.
        split: As above.
        source: As above.
        group: Given by an option, or None.
    """
    return replace(
        own,
        text=text or own.text,
        label=label,
        split=split,
        source=source,
        group=group or own.group,
    )


def refuse_without_extra() -> None:
    """See that what reads labelled data is installed.

    Raises:
        ConfigurationError: it is not.
    """
    if missing := [name for name in ("pyarrow", "sklearn", "matplotlib") if not find_spec(name)]:
        raise ConfigurationError(
            f"Labelled data is read, compared and drawn with {', '.join(missing)}, not installed; "
            "install fishweir with its extra: pip install 'fishweir[train]'"
        )
