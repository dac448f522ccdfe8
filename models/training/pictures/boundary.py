"""The decision boundary in a plane of the last layer, with examples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from models.thresholds import Thresholds
from models.training.pictures.style import (
    BENIGN,
    INK,
    MALICIOUS,
    MUTED,
    SUSPICIOUS,
    Picture,
    new_figure,
    shown,
    styled,
)

PICTURE = Picture(
    name="boundary",
    title="The decision boundary in a plane of the last layer",
    caption="Across, the logit: the one direction of the last layer that decides, so that "
    "thresholds are exact lines here. Up, the direction in which activations differ most besides. "
    "Numbered rows are listed below; URLs are defanged.",
)
MOST_POINTS = 3000
EXAMPLES = 10
LONGEST = 78
# A tenth of the picture: examples nearer to one another would hide each other's number.
_LEAST_DISTANCE = 0.05
_RANGE = (0.002, 0.998)


def boundary(
    activations: NDArray[np.float32],
    weights: NDArray[np.float32],
    bias: float,
    labels: NDArray[np.int8],
    texts: Sequence[str],
    thresholds: Thresholds,
    seed: int = 0,
) -> Figure:
    """Draw the plane.

    Args:
        activations: float32[n, k] of the last layer before the logit.
        weights: float32[k] of the logit: ``logit = activations @ weights + bias``.
        bias: Of the logit.
        labels: int8[n]; both must occur.
        texts: n, as they are to be shown (defanged).
        thresholds: Published ones.
        seed: Of the rows that are drawn where there are many.
    """
    places = plane(activations, weights, bias)
    random = np.random.default_rng(seed)
    low, high = np.quantile(places, _RANGE, axis=0)
    low[0] = min(low[0], thresholds.suspicious.logit - 1)
    high[0] = max(high[0], thresholds.malicious.logit + 1)
    margin = (high - low) * 0.04
    with styled():
        figure = new_figure(8.6, 8.4)
        axes, below = figure.subplots(2, 1, height_ratios=(3, 1.45))
        axes.grid(visible=False)
        edges = (
            low[0] - margin[0],
            thresholds.suspicious.logit,
            thresholds.malicious.logit,
            high[0] + margin[0],
        )
        for start, end, colour, name in zip(
            edges[:-1],
            edges[1:],
            (BENIGN, SUSPICIOUS, MALICIOUS),
            ("benign", "suspicious", "malicious"),
            strict=True,
        ):
            axes.axvspan(start, end, color=colour, alpha=0.07, lw=0)
            axes.text((start + end) / 2, 1.01, name, color=colour, ha="center", va="bottom")
            axes.texts[-1].set_transform(axes.get_xaxis_transform())
        for edge, colour in ((edges[1], SUSPICIOUS), (edges[2], MALICIOUS)):
            axes.axvline(edge, color=colour, linewidth=1.4)
        order = random.permutation(len(labels))[:MOST_POINTS]
        for label, colour, name in ((0, BENIGN, "benign rows"), (1, MALICIOUS, "malicious rows")):
            rows = order[(labels[order] != 0) == bool(label)]
            axes.plot(*places[rows].T, "o", ms=2.6, mew=0, alpha=0.35, color=colour, label=name)
        axes.set(xlim=(edges[0], edges[3]), ylim=(low[1] - margin[1], high[1] + margin[1]))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="logit", ylabel="first principal component besides", yticks=[])
        axes.set_title(PICTURE.title, pad=24)
        axes.legend(loc="best", markerscale=3)
        chosen = examples(places, labels, (low, high))
        _listed(axes, below, places, labels, texts, chosen)
    return figure


def plane(
    activations: NDArray[np.float32], weights: NDArray[np.float32], bias: float
) -> NDArray[np.float64]:
    """float64[n, 2]: logits, and the first principal component at right angles to the weights."""
    exact = activations.astype(np.float64)
    direction = weights.astype(np.float64) / np.linalg.norm(weights)
    rest = exact - np.outer(exact @ direction, direction)
    rest -= rest.mean(axis=0)
    # Of the covariance and not of the rows: k is some hundreds, n may be many thousands.
    _, directions = np.linalg.eigh(rest.T @ rest)
    besides = rest @ directions[:, -1]
    if besides[np.abs(besides).argmax()] < 0:
        besides = -besides
    return np.stack([exact @ weights.astype(np.float64) + bias, besides], axis=1)


def examples(
    places: NDArray[np.float64],
    labels: NDArray[np.int8],
    limits: tuple[NDArray[np.float64], NDArray[np.float64]],
    count: int = EXAMPLES,
) -> list[int]:
    """Rows to mark: half of either label, spread over its logits, and none on another."""
    low, high = limits
    inside = np.flatnonzero(np.all((places >= low) & (places <= high), axis=1))
    chosen: list[int] = []
    for label in (0, 1):
        rows = inside[(labels[inside] != 0) == bool(label)]
        rows = rows[np.argsort(places[rows, 0], kind="stable")]
        wanted = np.linspace(0.02, 0.98, count // 2)
        for share in wanted if len(rows) else ():
            middle = round(share * (len(rows) - 1))
            # The nearest in rank that lies free.
            for row in rows[np.argsort(np.abs(np.arange(len(rows)) - middle), kind="stable")]:
                between = (places[chosen] - places[row]) / (high - low)
                if not chosen or np.hypot(*between.T).min() > _LEAST_DISTANCE:
                    chosen.append(int(row))
                    break
    return sorted(chosen, key=lambda row: places[row, 0])


def _listed(
    axes: Axes,
    below: Axes,
    places: NDArray[np.float64],
    labels: NDArray[np.int8],
    texts: Sequence[str],
    chosen: Sequence[int],
) -> None:
    below.set_axis_off()
    below.set(xlim=(0, 1), ylim=(max(1, len(chosen)), 0))
    for number, row in enumerate(chosen, start=1):
        colour = MALICIOUS if labels[row] else BENIGN
        across, up = places[row].tolist()
        axes.plot(across, up, "o", ms=14, color=colour, mec="white", mew=1.2, zorder=4)
        axes.text(across, up, str(number), color="white", ha="center", va="center", size=8)
        axes.texts[-1].set(fontweight="bold", zorder=5)
        line = number - 0.5
        below.plot(0.012, line, "o", ms=12, color=colour, mew=0, clip_on=False)
        below.text(0.012, line, str(number), color="white", ha="center", va="center", size=8)
        below.text(0.085, line, f"{places[row, 0]:.1f}", color=MUTED, ha="right", va="center")
        below.text(
            0.105,
            line,
            shown(texts[row], LONGEST),
            color=INK,
            va="center",
            family="DejaVu Sans Mono",
            fontsize=8.5,
        )
