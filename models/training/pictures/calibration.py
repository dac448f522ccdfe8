"""Whether scores are the shares that they say."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from models.training.calibration import Reliability
from models.training.pictures.style import (
    BENIGN,
    INK,
    MUTED,
    Picture,
    decimal,
    new_figure,
    percent,
    styled,
)

PICTURE = Picture(
    name="calibration",
    title="Scores and what became of them",
    caption="Of rows with like scores, the share that is malicious, at the prior stated; both axes "
    "in log odds. On the diagonal a score is what it says; below it, it boasts. Bars are 95 % "
    "intervals.",
)
TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)
_SHORTEST = 1e-3
# Shares of 0 and 1 have no log odds, and are drawn at the edge.
_EDGE = 1e-7


def calibration_curve(measured: Reliability) -> Figure:
    """Draw the curve."""
    with styled():
        figure = new_figure(6.2, 5.6)
        axes = figure.add_subplot()
        every = [_odds(number) for each in measured.bins for number in (each.score, each.share)]
        inner = [odds for odds in every if abs(odds) < -_odds(2 * _EDGE)] or [0.0]
        low, high = min(inner) - 1, max(*inner, _odds(0.5)) + 1
        axes.plot([low, high], [low, high], color=MUTED, linewidth=1, linestyle=(0, (5, 2)))
        for each in measured.bins:
            below, above = (min(high, max(low, _odds(end))) for end in each.interval)
            x, y = (min(high, max(low, _odds(number))) for number in (each.score, each.share))
            axes.plot([x, x], [below, above], color=BENIGN, linewidth=1.6, alpha=0.55)
            axes.plot(x, y, "o", color=BENIGN, markersize=7, markeredgecolor="white")
        ticks = [tick for tick in TICKS if low <= _odds(tick) <= high]
        names = [_name(tick) for tick in ticks]
        axes.set_xticks([_odds(tick) for tick in ticks], names)
        axes.set_yticks([_odds(tick) for tick in ticks], names)
        prior = percent(measured.calibration.prior)
        axes.set(
            xlim=(low, high),
            ylim=(low, high),
            xlabel=f"score, where {prior} of events are malicious",
            ylabel="share that is malicious",
            title=PICTURE.title,
        )
        axes.text(
            0.97,
            0.04,
            f"expected calibration error {measured.expected_error:.4f}\n"
            f"{measured.even_error:.3f} were both labels as frequent",
            transform=axes.transAxes,
            ha="right",
            va="bottom",
            color=INK,
        )
    return figure


def _name(tick: float) -> str:
    """Powers of ten where digits would run into each other."""
    return decimal(tick) if tick >= _SHORTEST else f"$10^{{{round(math.log10(tick))}}}$"


def _odds(share: float) -> float:
    inner = min(1 - _EDGE, max(_EDGE, share))
    return math.log(inner / (1 - inner))
