"""Under which terms the rows of a data set were published, and which of them must not train.

`sources.json` says of each repository or package that the shipped weights were trained on the
licence as found there and the date of its state. A row's source names it somewhere in its text
("links:adbar/trafilatura", "SigmaHQ/sigma filters").
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError

# Published for non-commercial use only: weights trained on them could not be shipped under this
# project's licence. Any source that holds one of these, in any case, is refused.
EXCLUDED_SOURCES = ("openphish", "citizenlab", "phishing_pot", "pcgamingwiki")
NOT_RECORDED = "not recorded"
# Sources named by a refusal; a data set may have hundreds.
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Rows of one repository or package.

    Attributes:
        name: Of it, or of the source where nothing is recorded.
        licence: As found.
        as_of: Date of the state that was taken, or version.
        benign: Rows.
        malicious: Rows.
    """

    name: str
    licence: str
    as_of: str
    benign: int
    malicious: int

    def as_json(self) -> dict[str, object]:
        """For reports."""
        return {
            "name": self.name,
            "licence": self.licence,
            "as_of": self.as_of,
            "benign": self.benign,
            "malicious": self.malicious,
        }


def refuse_excluded(sources: Sequence[str], excluded: Sequence[str] = EXCLUDED_SOURCES) -> None:
    """See that no row is of an excluded source.

    Args:
        sources: Of n rows.
        excluded: Parts of names, in any case; a manifest records them.

    Raises:
        DataError: rows are, with the names of their sources and how many there are.
    """
    counts = Counter(sources)
    found = {
        source: rows
        for source, rows in counts.most_common()
        if any(part.lower() in source.lower() for part in excluded)
    }
    if found:
        named = [f"'{source}' ({rows:,})" for source, rows in found.items()]
        more = len(named) - _MOST_NAMED
        rest = f" and {more} more" if more > 0 else ""
        raise DataError(
            f"{sum(found.values()):,} rows are of sources that must not train a shipped model "
            f"({', '.join(excluded)}): {', '.join(named[:_MOST_NAMED])}{rest}; take these rows out"
        )


def origins(sources: Sequence[str], labels: NDArray[np.int8]) -> tuple[Origin, ...]:
    """Rows by what they were taken from, most rows first.

    Args:
        sources: n names, "" where unknown.
        labels: int8[n], 0 benign, 1 malicious.
    """
    counts = Counter(zip(sources, np.asarray(labels != 0).tolist(), strict=True))
    rows: dict[str, list[int]] = {}
    for (source, malicious), count in counts.items():
        rows.setdefault(_recorded_name(source), [0, 0])[malicious] += count
    recorded = _recorded()
    nothing = {"licence": NOT_RECORDED, "as_of": NOT_RECORDED}
    made = [
        Origin(
            name=name or "unnamed",
            benign=benign,
            malicious=malicious,
            **recorded.get(name, nothing),
        )
        for name, (benign, malicious) in rows.items()
    ]
    return tuple(sorted(made, key=lambda origin: (-origin.benign - origin.malicious, origin.name)))


@cache
def _recorded() -> Mapping[str, Mapping[str, str]]:
    text = resources.files("models.training").joinpath("sources.json").read_text("utf-8")
    recorded: dict[str, dict[str, str]] = json.loads(text)
    return recorded


def _recorded_name(source: str) -> str:
    """The longest recorded name that the source holds; the source itself where there is none."""
    return max((name for name in _recorded() if name in source), key=len, default=source)
