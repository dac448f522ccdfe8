"""Options of what `weir train` tries beside the training itself."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from workers.errors import ConfigurationError

_PANEL = "Trials for the report"

WithTrials = Annotated[
    bool,
    typer.Option(
        "--trials",
        help="Fit baselines, leave out each feed in turn, try other seeds; for the report.",
        rich_help_panel=_PANEL,
    ),
]
TrialShare = Annotated[
    float,
    typer.Option(
        min=0.001,
        max=1.0,
        help="Share of the rows that networks of trials see.",
        rich_help_panel=_PANEL,
    ),
]
TrialEpochs = Annotated[int, typer.Option(min=1, help="Passes over them.", rich_help_panel=_PANEL)]
TrialSeeds = Annotated[
    int, typer.Option(min=0, help="Seeds to try; 0 for none.", rich_help_panel=_PANEL)
]
TrainBefore = Annotated[
    str,
    typer.Option(
        metavar="DATE",
        help="Time split: train on malicious rows first seen before this date (YYYY-MM-DD).",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
MeasureFrom = Annotated[
    str,
    typer.Option(
        metavar="DATE",
        help="Time split: measure on those first seen from this date on. Default: the other.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]


def refuse_dates(train_before: str, measure_from: str, *, trials: bool) -> None:
    """See that the dates of a time split are dates, and that there is a time split.

    Raises:
        ConfigurationError: one is not, or there is none.
    """
    for option, given in (("--train-before", train_before), ("--measure-from", measure_from)):
        if not given:
            continue
        try:
            date.fromisoformat(given)
        except ValueError:
            raise ConfigurationError(
                f"Option {option} has value '{given}', which is no date; give YYYY-MM-DD"
            ) from None
        if not (trials and train_before):
            needed = "--train-before" if trials else "--trials"
            raise ConfigurationError(f"Option {option} has value '{given}' without {needed}")
