"""The strings that excite chosen filters most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from models.training.pictures.style import (
    BENIGN,
    INK,
    MALICIOUS,
    MUTED,
    Picture,
    new_figure,
    shown,
    styled,
)

PICTURE = Picture(
    name="filters",
    title="What chosen filters look for",
    caption="For each filter the strings of the data that excite it most, with bars for how much. "
    "Vermilion filters raise the logit on average, blue ones lower it. A middle dot is a code that "
    "stands for many characters; where texts are folded to lower case, a capital is a class, such "
    "as any user's name.",
)
MOST_STRINGS = 8
# Characters of a string that fit beside its bar.
LONGEST = 12
COLUMNS = 4
SPACE = "\N{OPEN BOX}"
# Printed for a code that stands for many characters.
MANY = "\N{MIDDLE DOT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Excited:
    """One filter and what excites it.

    Attributes:
        name: Of the filter.
        strings: Most exciting first.
        activations: Of the strings.
        places: Where each string stands (such as a part of a URL), "" where that says nothing.
        effect: Of the filter on the logit: above 0 where it raises it.
    """

    name: str
    strings: tuple[str, ...]
    activations: tuple[float, ...]
    places: tuple[str, ...]
    effect: float

    def as_json(self) -> dict[str, object]:
        """For reports."""
        return {
            "name": self.name,
            "strings": list(self.strings),
            "activations": list(self.activations),
            "places": list(self.places),
            "effect": self.effect,
        }


def frequent_ngrams(texts: Iterable[str], width: int, most: int = 20_000) -> list[str]:
    """The strings of so many characters that most texts hold, most first."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update({text[start : start + width] for start in range(len(text) - width + 1)})
    ordered = sorted(counts.items(), key=lambda counted: (-counted[1], counted[0]))
    return [string for string, _ in ordered[:most]]


def most_exciting(
    strings: Sequence[str],
    activations: NDArray[np.float32],
    effects: NDArray[np.float32],
    *,
    places: Sequence[str] | None = None,
    filters: int = 8,
    most: int = MOST_STRINGS,
    prefix: str = "filter",
) -> tuple[Excited, ...]:
    """The filters with the largest effect, half of them upwards, and what excites each.

    Args:
        strings: m different ones.
        activations: float32[m, k] of k filters.
        effects: float32[k], how much a filter moves the logit (such as its mean gradient times
            its activation).
        places: m, where each string stands; None where that says nothing.
        filters: How many to choose.
        most: Strings of each.
        prefix: Of the filters' names.
    """
    order = np.argsort(-effects, kind="stable")
    raising = [number for number in order if effects[number] > 0][: (filters + 1) // 2]
    lowering = [number for number in order[::-1] if effects[number] < 0][: filters // 2]
    chosen = []
    for number in [*raising, *lowering]:
        best = np.argsort(-activations[:, number], kind="stable")[:most]
        best = best[activations[best, number] > 0]
        chosen.append(
            Excited(
                name=f"{prefix} {number}",
                strings=tuple(strings[row] for row in best),
                activations=tuple(activations[best, number].astype(float).tolist()),
                places=tuple(places[row] for row in best) if places else ("",) * len(best),
                effect=float(effects[number]),
            )
        )
    return tuple(chosen)


def filter_table(chosen: Sequence[Excited]) -> Figure:
    """Draw a panel a filter."""
    columns = min(COLUMNS, max(1, len(chosen)))
    rows = max(1, -(-len(chosen) // columns))
    with styled():
        figure = new_figure(2.4 * columns, 0.9 + 2.5 * rows)
        figure.suptitle(f"{PICTURE.title}\n", x=0.004, ha="left", fontweight="bold", fontsize=12)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in panels:
            axes.set_axis_off()
        for axes, one in zip(panels, chosen, strict=False):
            colour = MALICIOUS if one.effect > 0 else BENIGN
            axes.set(xlim=(0, 1), ylim=(MOST_STRINGS, -0.2))
            axes.set_title(one.name, color=colour, fontsize=10.5, pad=4)
            highest = max(one.activations, default=1.0)
            for line, (string, activation, place) in enumerate(
                zip(one.strings[:MOST_STRINGS], one.activations, one.places, strict=False)
            ):
                length = 0.44 * activation / highest
                axes.add_patch(
                    Rectangle((0.47, line + 0.2), length, 0.6, color=colour, alpha=0.3, lw=0)
                )
                axes.text(
                    0.43,
                    line + 0.5,
                    visible(string),
                    family="DejaVu Sans Mono",
                    color=INK,
                    ha="right",
                    va="center",
                    fontsize=10,
                )
                told = f"{activation:.2f} {place}"
                axes.text(0.48, line + 0.5, told, color=MUTED, va="center", size=8)
    return figure


def visible(string: str) -> str:
    """A string on one line, its spaces marked; dots for what stands for many characters stay."""
    plain = "".join(c if c in (SPACE, MANY) else shown(c) for c in string.replace(" ", SPACE))
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 3]}..."
