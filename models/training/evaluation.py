"""How well logits of labelled rows tell them apart: over all rows, and by what sets rows apart.

One figure over all rows hides what matters: which feed, which kind of traffic, which year.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.engines.contract import Engine
from models.errors import LogitError
from models.features import Featuriser
from models.thresholds import Thresholds
from models.training.slices import LOWER_CASED, Slice, measure

# Sources that begin with one of these and a colon are benign rows of their own kind: observed
# traffic, and rows made up for training. Mixed with the rest they would flatter every figure.
APART = ("telemetry", "synthetic")
COLLECTED = "collected"
# Sources by name, largest first; more would bury the others.
MOST_SOURCES = 40
SCORING_ROWS = 1024

_Rows = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Figures of one split.

    Attributes:
        everything: All rows.
        kinds: Collected, telemetry and synthetic rows; empty where there is one kind only.
        sources: By what stands before the colon in the name of the source, largest first; empty
            where there is one source only.
        columns: By the values of further columns (files and registry keys, observed and made up,
            ...), as "column: value".
        lower_cased: All rows and each kind once more, as a proxy that folds case would send them.
        feeds: The malicious rows of each source by itself, against all benign rows; empty where
            all are of one source.
        years: The malicious rows first seen in each year, against all benign rows.
    """

    everything: Slice
    kinds: tuple[Slice, ...]
    sources: tuple[Slice, ...]
    columns: tuple[Slice, ...] = ()
    lower_cased: tuple[Slice, ...] = ()
    feeds: tuple[Slice, ...] = ()
    years: tuple[Slice, ...] = ()

    def as_json(self) -> dict[str, object]:
        """For reports; the manifest leaves out the sources."""
        return {
            "all": self.everything.as_json(),
            "kinds": _by_name(self.kinds),
            "sources": _by_name(self.sources),
            "columns": _by_name(self.columns),
            "lower_cased": _by_name(self.lower_cased),
            "feeds": _by_name(self.feeds),
            "years": _by_name(self.years),
        }


def evaluate(
    logits: NDArray[np.float32],
    labels: NDArray[np.int8],
    sources: Sequence[str],
    thresholds: Thresholds,
    *,
    columns: Mapping[str, Sequence[str]] | None = None,
    lower_cased: NDArray[np.float32] | None = None,
    dates: Sequence[str] | None = None,
) -> Evaluation:
    """Measure n rows.

    Args:
        logits: float32[n].
        labels: int8[n], 0 benign, 1 malicious.
        sources: n names, "" where unknown.
        thresholds: Published ones.
        columns: Further columns of n values by which to set rows apart, "" for rows to leave out.
        lower_cased: float32[n], logits of the same rows with all letters in lower case.
        dates: n dates that begin with a year, when a row was first seen, "" where unknown.
    """
    names = np.array([source.partition(":")[0] for source in sources], object)
    kind_of_row = np.array(kinds(sources), object)
    malicious = labels != 0

    def part(name: str, rows: _Rows) -> Slice:
        return measure(name, logits[rows], labels[rows], thresholds)

    def against_all_benign(values: NDArray[np.object_]) -> tuple[Slice, ...]:
        return tuple(
            part(name or "unnamed", ~malicious | (malicious & (values == name)))
            for name, _ in _parts(values[malicious])
        )

    def lowered() -> Iterator[Slice]:
        if lower_cased is not None:
            yield measure(f"all, {LOWER_CASED}", lower_cased, labels, thresholds)
            for name, rows in _parts(kind_of_row):
                called = f"{name}, {LOWER_CASED}"
                yield measure(called, lower_cased[rows], labels[rows], thresholds)

    return Evaluation(
        everything=part("all", np.ones(len(logits), np.bool_)),
        kinds=tuple(part(name, rows) for name, rows in _parts(kind_of_row)),
        sources=tuple(part(name or "unnamed", rows) for name, rows in _parts(names)),
        columns=tuple(
            part(f"{column}: {value}", rows)
            for column, values in (columns or {}).items()
            for value, rows in _parts(np.array(values, object))
            if value
        ),
        lower_cased=tuple(lowered()),
        feeds=against_all_benign(np.array(sources, object)),
        years=tuple(
            sorted(
                against_all_benign(np.array([date[:4] or "undated" for date in dates], object)),
                key=lambda year: year.name,
            )
            if dates is not None
            else ()
        ),
    )


def kinds(sources: Sequence[str]) -> list[str]:
    """Kind of each row by its source: one of `APART`, else `COLLECTED`."""
    firsts = (source.partition(":")[0] for source in sources)
    return [first if first in APART else COLLECTED for first in firsts]


def score(
    engine: Engine,
    featuriser: Featuriser,
    texts: Sequence[Any],
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.float32]:
    """Logits float32[n] of n texts or pages.

    Args:
        engine: Warmed here.
        featuriser: The artefact's.
        texts: Any number.
        progress: Is told how many are done.

    Raises:
        LogitError: a logit is not a number.
    """
    logits = np.empty(len(texts), np.float32)
    engine.warm(min(SCORING_ROWS, len(texts)))
    for start in range(0, len(texts), SCORING_ROWS):
        some = slice(start, start + SCORING_ROWS)
        logits[some] = engine.logits(featuriser(texts[some]))
        if progress:
            progress(min(start + SCORING_ROWS, len(texts)))
    bad = np.flatnonzero(~np.isfinite(logits))
    if len(bad):
        raise LogitError(
            f"the network gave {logits[bad[0]]} for row {bad[0]}, and for {len(bad)} rows no number"
        )
    return logits


def worst(
    logits: NDArray[np.float32], labels: NDArray[np.int8], most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The mistakes farthest off.

    Returns:
        Rows of the benign texts with the highest logits, highest first, and rows of the
        malicious ones with the lowest, lowest first; at most ``most`` of each.
    """
    order = np.argsort(logits, kind="stable")
    return order[labels[order] == 0][::-1][:most], order[labels[order] != 0][:most]


def _parts(names: NDArray[np.object_]) -> Iterator[tuple[str, _Rows]]:
    """Rows by name, most rows first; nothing where all have the same name."""
    different, counts = np.unique(names.astype(np.str_), return_counts=True)
    if len(different) > 1:
        for number in np.argsort(-counts, kind="stable")[:MOST_SOURCES]:
            yield str(different[number]), names == different[number]


def _by_name(parts: Sequence[Slice]) -> dict[str, object]:
    return {part.name: part.as_json() for part in parts}
