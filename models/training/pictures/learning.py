"""What each pass over the rows brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
        for (rate, shares), colour in zip(detection.items(), colours, strict=False):
            detected.plot(steps, shares, color=colour, **line)
            detected.annotate(
                percent(rate),
                (steps[-1], shares[-1]),
                xytext=(7, 0),
                textcoords="offset points",
                color=colour,
                va="center",
                fontweight="bold",
                annotation_clip=False,
            )
        detected.set(title="Detection, by false positives", xlabel=unit)
        detected.yaxis.set_major_formatter(percent)
        for axes in (loss, area, detected):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
            if chosen is not None:
                axes.axvline(chosen, color=MUTED, linewidth=1, linestyle=":")
    return figure
