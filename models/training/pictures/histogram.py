"""How the logits of both labels spread, and where the thresholds stand."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from models.calibration import Calibration
from models.thresholds import Thresholds
from models.training.pictures.style import (
    BENIGN,
    INK,
    MALICIOUS,
    SUSPICIOUS,
    Picture,
    decimal,
    new_figure,
    percent,
    styled,
)

PICTURE = Picture(
    name="scores",
    title="Logits by label",
    caption="Share of each label's rows by logit, on a logarithmic scale so that tails show; above "
    "them, the score that a logit stands for. Lines are the published thresholds.",
)
BINS = 80
# Logits beyond these shares of the rows would leave the rest a sliver.
RANGE = (0.0005, 0.9995)
SCORES = (1e-6, 1e-4, 0.01, 0.1, 0.5, 0.9, 0.99, 0.9999)


def histogram(
    logits: NDArray[np.float32],
    labels: NDArray[np.int8],
    thresholds: Thresholds,
    calibration: Calibration | None = None,
) -> Figure:
    """Draw the histogram.

    Args:
        logits: float32[n], n at least 1.
        labels: int8[n].
        thresholds: Published ones.
        calibration: For the axis of scores; without it there is none.
    """
    low, high = np.quantile(logits.astype(np.float64), RANGE)
    low = min(low, thresholds.suspicious.logit) - 1
    high = max(high, thresholds.malicious.logit) + 1
    edges = np.linspace(low, high, BINS + 1)
    kept = np.clip(logits, low, high)
    with styled():
        figure = new_figure()
        axes = figure.add_subplot()
        for label, colour, name in ((0, BENIGN, "benign"), (1, MALICIOUS, "malicious")):
            counts, _ = np.histogram(kept[(labels != 0) == bool(label)], edges)
            share = counts / max(1, counts.sum())
            axes.stairs(share, edges, fill=True, color=colour, alpha=0.28)
            axes.stairs(
                share, edges, color=colour, linewidth=1.6, label=f"{name}, {counts.sum():,} rows"
            )
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(percent)
        axes.yaxis.set_minor_formatter(NullFormatter())
        for threshold, colour, name in (
            (thresholds.suspicious, SUSPICIOUS, "suspicious"),
            (thresholds.malicious, INK, "malicious"),
        ):
            rate = percent(threshold.false_positive_rate)
            axes.axvline(
                threshold.logit,
                color=colour,
                linewidth=1.6,
                linestyle=(0, (5, 2)),
                label=f"{name} from here, set for {rate}",
            )
        axes.set(xlim=(low, high), xlabel="logit", ylabel="share of the label's rows")
        figure.suptitle(PICTURE.title, x=0.012, ha="left", fontweight="bold", fontsize=12)
        if calibration is not None:
            _scores(figure, calibration, low, high)
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def _scores(figure: Figure, calibration: Calibration, low: float, high: float) -> None:
    shares = np.array(SCORES)
    at = (np.log(shares / (1 - shares)) - calibration.offset) / calibration.scale
    ticks: list[tuple[float, float]] = []
    # Ticks that would lie on one another are left out.
    for place, score in zip(at.tolist(), SCORES, strict=True):
        apart = not ticks or place - ticks[-1][0] > (high - low) / 16
        if low <= place <= high and apart:
            ticks.append((place, score))
    top = figure.axes[0].secondary_xaxis("top")
    top.set_xticks([place for place, _ in ticks], [decimal(score) for _, score in ticks])
    top.set_xlabel(f"score, where {percent(calibration.prior)} of events are malicious")
