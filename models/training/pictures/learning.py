"""What each pass over the rows brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from models.training.pictures.style import (
    BENIGN,
    INK,
    MALICIOUS,
    MUTED,
    OTHERS,
    Picture,
    new_figure,
    percent,
    styled,
)

PICTURE = Picture(
    name="learning",
    title="Learning",
    caption="Left, the loss on train; in the middle, the area under the ROC on validation; right, "
    "detection on validation by rate of false positives. The dotted line is the epoch whose "
    "weights were kept.",
)
# Of the axes' height: names nearer than this would lie on one another.
LEAST_DISTANCE = 0.07


def learning_curve(
    steps: Sequence[float],
    losses: Sequence[float],
    areas: Sequence[float],
    detection: Mapping[float, Sequence[float]],
    *,
    chosen: float | None = None,
    unit: str = "epoch",
) -> Figure:
    """Draw the curves.

    Args:
        steps: n epochs, or counts of rows.
        losses: n, on train.
        areas: n, on validation.
        detection: n shares by rate of false positives.
        chosen: The step whose weights were kept.
        unit: Of the steps.
    """
    with styled():
        figure = new_figure(9.6, 3.6)
        loss, area, detected = figure.subplots(1, 3)
        line = {"marker": "o", "markersize": 4.5, "linewidth": 1.8}
        loss.plot(steps, losses, color=BENIGN, **line)
        loss.set(title="Loss", xlabel=unit)
        area.plot(steps, areas, color=INK, **line)
        area.set(title="Area under the ROC", xlabel=unit)
        colours = (MALICIOUS, *OTHERS)
        for shares, colour in zip(detection.values(), colours, strict=False):
            detected.plot(steps, shares, color=colour, **line)
        detected.set(title="Detection, by false positives", xlabel=unit)
        detected.yaxis.set_major_formatter(percent)
        _name(detected, detection, colours)
        for axes in (loss, area, detected):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
            if chosen is not None:
                axes.axvline(chosen, color=MUTED, linewidth=1, linestyle=":")
    return figure


def _name(axes: Axes, detection: Mapping[float, Sequence[float]], colours: Sequence[str]) -> None:
    """Write each curve's rate beside its end, the lower above one another where ends are near."""
    low, high = axes.get_ylim()
    ends = sorted(
        ((shares[-1] - low) / (high - low), rate, colour)
        for (rate, shares), colour in zip(detection.items(), colours, strict=False)
    )
    lowest = 0.0
    for end, rate, colour in ends:
        place = max(end, lowest)
        lowest = place + LEAST_DISTANCE
        axes.text(
            1.02,
            place,
            percent(rate),
            transform=axes.transAxes,
            color=colour,
            va="center",
            fontweight="bold",
        )
