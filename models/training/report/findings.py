"""All that was measured of a model beyond its figures by slice: one record for report and card."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from models.training.calibration import Reliability
from models.training.comparison import Rival
from models.training.licences import Origin
from models.training.pictures.filters import Excited
from models.training.pictures.style import Picture
from models.training.robustness import Fall, Shift
from models.training.slices import Slice
from models.training.thresholds import Choice


class _Json(Protocol):
    def as_json(self) -> dict[str, object]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """One feed, judged by a network that never saw it and by one that did.

    Attributes:
        feed: Name of its source.
        without: The feed's malicious rows against all benign ones, by the network trained without.
        beside: The same rows, by a network trained with the feed on the same budget.
    """

    feed: str
    without: Slice
    beside: Slice

    def as_json(self) -> dict[str, object]:
        """For reports."""
        return {
            "feed": self.feed,
            "without": self.without.as_json(),
            "beside": self.beside.as_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Something that was tried, and what it gave.

    Attributes:
        name: What was changed, or the seed.
        figures: Of the rows that it was measured on.
    """

    name: str
    figures: Slice

    def as_json(self) -> dict[str, object]:
        """For reports."""
        return {"name": self.name, "figures": self.figures.as_json()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was measured. None: not run, and said so. Empty: does not apply to this detector.

    Attributes:
        choice: How thresholds were chosen.
        scores: How far scores are off, on rows that did not fit them where there are any.
        rivals: Other methods on the same rows.
        additions: What harmless-looking additions do to malicious texts.
        changes: What changes without meaning do.
        time_split: Rows seen after the last one trained on, by a network trained for this.
        left_out: Leave-one-feed-out.
        seeds: The same training under several seeds.
        ablations: What was tried, and what each part is worth.
        budget: Of what was trained for the last four, where it was less than the whole.
        filters: What chosen filters look for.
        origins: What the rows were taken from.
        excluded: Parts of names of sources that were refused.
        pictures: That lie beside the report.
    """

    choice: Choice | None = None
    scores: Reliability | None = None
    rivals: tuple[Rival, ...] | None = None
    additions: tuple[Fall, ...] | None = None
    changes: tuple[Shift, ...] | None = None
    time_split: tuple[Slice, ...] | None = None
    left_out: tuple[LeftOut, ...] | None = None
    seeds: tuple[Trial, ...] | None = None
    ablations: tuple[Trial, ...] | None = None
    budget: str = ""
    filters: tuple[Excited, ...] | None = None
    origins: tuple[Origin, ...] | None = None
    excluded: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()

    def as_json(self) -> dict[str, object]:
        """For reports; null is what was not run."""
        return {
            "choice": None if self.choice is None else self.choice.as_json(),
            "scores": None if self.scores is None else self.scores.as_json(),
            "rivals": _all(self.rivals),
            "additions": _all(self.additions),
            "changes": _all(self.changes),
            "time_split": _all(self.time_split),
            "left_out": _all(self.left_out),
            "seeds": _all(self.seeds),
            "ablations": _all(self.ablations),
            "budget": self.budget,
            "filters": _all(self.filters),
            "origins": _all(self.origins),
            "excluded": list(self.excluded),
            "pictures": [picture.png for picture in self.pictures],
        }


def _all(found: Iterable[_Json] | None) -> list[dict[str, object]] | None:
    return None if found is None else [each.as_json() for each in found]
