"""What is to be trained beside a network, and on what budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.errors import DataError
from models.training import trial_rows
from models.training.data import Labelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """What to try.

    Attributes:
        baselines: Whether to fit other methods, on all rows.
        feeds: Whether to leave out each feed in turn, then some sources of both labels.
        seeds: How many seeds to train under; 0 for none.
        variants: Whether to train each variant of the recipe.
        later_than: Train on malicious rows first seen before this date (ISO 8601), measure on
            those from ``until`` on; "" for no time split.
        until: "" for the same date.
        share: Of the rows of train that networks of trials see.
        epochs: That they are trained for.
    """

    baselines: bool = True
    feeds: bool = True
    seeds: int = 3
    variants: bool = True
    later_than: str = ""
    until: str = ""
    share: float = 0.2
    epochs: int = 2

    @property
    def budget(self) -> str:
        """For the report."""
        return f"{100 * self.share:g} % of the training rows, {counted(self.epochs)}"

    @property
    def measured_from(self) -> str:
        """First date of the rows that the time split measures."""
        return self.until or self.later_than

    def refuse(self, rows: Mapping[str, Labelled]) -> None:
        """See that there are rows for them, before hours are spent.

        Raises:
            DataError: a share so small has no rows of a label, or no rows have the dates.
        """
        drawn = rows["train"].take(trial_rows.drawn(rows["train"], self.share))
        if not drawn.benign or not drawn.malicious:
            raise DataError(
                f"a share of {self.share:g} of the training rows has {drawn.benign} benign and "
                f"{drawn.malicious} malicious ones; trials need both, so give a larger "
                "--trial-share"
            )
        if not self.later_than:
            return
        measured = trial_rows.measured(rows)
        validation = rows["validation"]
        for name, part, kept in (
            ("train", drawn, trial_rows.before(drawn, self.later_than)),
            ("validation", validation, trial_rows.before(validation, self.later_than)),
            ("measured", measured, trial_rows.since(measured, self.measured_from)),
        ):
            if not part.take(kept).malicious:
                raise DataError(
                    f"a time split needs malicious rows first seen before {self.later_than} to "
                    f"learn from and from {self.measured_from} on to measure; of the {name} rows "
                    "none is"
                )


def counted(epochs: int) -> str:
    """For people."""
    return "1 epoch" if epochs == 1 else f"{epochs} epochs"
