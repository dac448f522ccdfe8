"""How far logits move under additions that should not help, and changes without meaning.

A text is changed by functions from text to text, such as those of `models.url.changes`; one that
gives the text back as it is does not apply to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.thresholds import Thresholds
from models.training.slices import Share, reaching

Scorer = Callable[[Sequence[str]], NDArray[np.float32]]
"""Gives logits float32[n] of n texts."""
Change = Callable[[str], str]
"""Gives another text, or the same where it does not apply."""

MOST_TEXTS = 10_000
WORST_OF_ALL = "the worst of these"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """How far the logits of malicious texts fall under one addition.

    Attributes:
        addition: Its name.
        median: Fall of the logit; negative where it rose.
        high: Fall that 95 % of the texts do not exceed.
        before: Texts at or above the malicious threshold.
        after: The same texts with the addition.
    """

    addition: str
    median: float
    high: float
    before: Share
    after: Share

    def as_json(self) -> dict[str, object]:
        """For manifests and reports."""
        return {
            "addition": self.addition,
            "median": self.median,
            "high": self.high,
            "before": self.before.as_json(),
            "after": self.after.as_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How far logits move under one change that carries no meaning.

    Attributes:
        change: Its name.
        texts: That it applies to.
        largest: Change of the logit, either way.
        mean: Change of the logit, either way.
        flipped: Texts whose label is another one.
        example: The text with the largest change, before and after.
        logits: Of the example.
    """

    change: str
    texts: int
    largest: float
    mean: float
    flipped: Share
    example: tuple[str, str]
    logits: tuple[float, float]

    def as_json(self) -> dict[str, object]:
        """For manifests and reports."""
        return {
            "change": self.change,
            "texts": self.texts,
            "largest": self.largest,
            "mean": self.mean,
            "flipped": self.flipped.as_json(),
            "example": list(self.example),
            "logits": list(self.logits),
        }


def some(rows: int, most: int = MOST_TEXTS, seed: int = 0) -> NDArray[np.int64]:
    """Numbers of at most so many rows, drawn evenly, in their order."""
    drawn = np.random.default_rng(seed).permutation(rows)[:most]
    return np.sort(drawn)


def cheap_additions(
    score: Scorer,
    texts: Sequence[str],
    additions: Mapping[str, Change],
    thresholds: Thresholds,
) -> tuple[Fall, ...]:
    """What harmless-looking additions do to malicious texts.

    Args:
        score: Gives logits.
        texts: n malicious ones, n at least 1.
        additions: By name.
        thresholds: Published ones.

    Returns:
        A line an addition, of the texts that it applies to, and one for whoever tries all of them
        and keeps what helps most.
    """
    before = score(texts)
    lowest = before.copy()
    falls = []
    for name, addition in additions.items():
        changed, rows = _changed(texts, addition)
        if len(rows):
            after = score(changed)
            lowest[rows] = np.minimum(lowest[rows], after)
            falls.append(_fall(name, before[rows], after, thresholds))
    return (*falls, _fall(WORST_OF_ALL, before, lowest, thresholds))


def meaningless_changes(
    score: Scorer,
    texts: Sequence[str],
    changes: Mapping[str, Change],
    thresholds: Thresholds,
) -> tuple[Shift, ...]:
    """How far logits move, and labels flip, under changes that carry no meaning.

    Args:
        score: Gives logits.
        texts: n of either label, n at least 1 (`some` draws them).
        changes: By name.
        thresholds: Published ones.

    Returns:
        A line for each change that applies to any of the texts.
    """
    before = score(texts)
    shifts = []
    for name, change in changes.items():
        changed, rows = _changed(texts, change)
        if not len(rows):
            continue
        after = score(changed)
        moved = np.abs(after.astype(np.float64) - before[rows])
        flipped = _severities(after, thresholds) != _severities(before[rows], thresholds)
        worst = int(np.argmax(moved))
        shifts.append(
            Shift(
                change=name,
                texts=len(rows),
                largest=float(moved[worst]),
                mean=float(moved.mean()),
                flipped=Share(count=int(flipped.sum()), of=len(rows)),
                example=(texts[rows[worst]], changed[worst]),
                logits=(float(before[rows[worst]]), float(after[worst])),
            )
        )
    return tuple(shifts)


def _changed(texts: Sequence[str], change: Change) -> tuple[list[str], NDArray[np.int64]]:
    """Texts that the change alters, and their rows."""
    changed = [change(text) for text in texts]
    rows = [row for row, text in enumerate(texts) if changed[row] != text]
    return [changed[row] for row in rows], np.array(rows, np.int64)


def _fall(
    name: str, before: NDArray[np.float32], after: NDArray[np.float32], thresholds: Thresholds
) -> Fall:
    fallen = before.astype(np.float64) - after
    return Fall(
        addition=name,
        median=float(np.median(fallen)),
        high=float(np.quantile(fallen, 0.95)),
        before=reaching(before, thresholds.malicious.logit),
        after=reaching(after, thresholds.malicious.logit),
    )


def _severities(logits: NDArray[np.float32], thresholds: Thresholds) -> NDArray[np.int8]:
    exact = logits.astype(np.float64)
    suspicious = (exact >= thresholds.suspicious.logit).astype(np.int8)
    severities: NDArray[np.int8] = suspicious + (exact >= thresholds.malicious.logit)
    return severities
