"""Options of the verbs that read labelled data."""

from __future__ import annotations

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
TextColumn = Annotated[
    str, typer.Option(metavar="NAME", help="Column of the text.", rich_help_panel=_PANEL)
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
    str,
    typer.Option(
        metavar="NAME",
        help=(
            "Column of what must not cross splits, such as a domain, if there is one; by "
            "default rows with the same text belong together."
        ),
        rich_help_panel=_PANEL,
    ),
]


def columns(*, text: str, label: str, split: str, source: str, group: str) -> Columns:
    """Names of columns as the data's reader takes them.

    Raises:
        ConfigurationError: what reads labelled data is not installed.
    """
    if find_spec("pyarrow") is None:
        raise ConfigurationError(
            "Labelled data is read with pyarrow, which is not installed; "
            "install fishweir with its extra: pip install 'fishweir[train]'"
        )
    from models.training.data import Columns  # noqa: PLC0415

    return Columns(text=text, label=label, split=split, source=source, group=group)
