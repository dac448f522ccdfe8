"""ROC with a logarithmic axis of false positives, where all that matters lies."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from models.thresholds import Thresholds
from models.training.pictures.style import (
    INK,
    MALICIOUS,
    MUTED,
    OTHERS,
    SUSPICIOUS,
    Picture,
    new_figure,
    percent,
    styled,
)

PICTURE = Picture(
    name="roc",
    title="Detection by rate of false positives",
    caption="Share of malicious rows found, by the share of benign rows flagged with them "
    "(logarithmic). Circles are the published thresholds, where they came to lie on these rows. "
    "Left of the dotted line fewer than ten benign rows decide.",
)
LOWEST_RATE = 1e-5
# Of the curve, evenly over the logarithm of the rate.
POINTS = 400
FEWEST_ROWS = 10


def roc(
    labels: NDArray[np.int8],
    network: NDArray[np.float32],
    others: Mapping[str, NDArray[np.float32]],
    thresholds: Thresholds | None = None,
    *,
    name: str = "this network",
) -> Figure:
    """Draw the curves of the network and of others.

    Args:
        labels: int8[n], both of which must occur.
        network: Its logits, float32[n].
        others: Logits float32[n] by name of the method.
        thresholds: Published ones of the network.
        name: Of the network.
    """
    benign = int(np.count_nonzero(labels == 0))
    with styled():
        figure = new_figure(height=4.8 + 0.12 * len(others))
        axes = figure.add_subplot()
        curves = {**others, name: network}
        colours = [*(OTHERS[number % len(OTHERS)] for number in range(len(others))), INK]
        for (called, logits), colour in zip(curves.items(), colours, strict=True):
            rates, shares = curve(logits, labels)
            own = called == name
            axes.plot(
                rates,
                shares,
                color=colour,
                linewidth=2.4 if own else 1.5,
                label=called,
                drawstyle="steps-post",
                zorder=3 if own else 2,
            )
        for threshold, colour, label in _published(thresholds):
            axes.plot(
                max(LOWEST_RATE, float(np.mean(network[labels == 0] >= threshold))),
                float(np.mean(network[labels != 0] >= threshold)),
                "o",
                color=colour,
                markeredgecolor="white",
                markersize=9,
                label=label,
                zorder=4,
                clip_on=False,
            )
        axes.set(xscale="log", xlim=(LOWEST_RATE, 1), ylim=(0, 1.01))
        axes.axvline(FEWEST_ROWS / benign, color=MUTED, linewidth=1, linestyle=":")
        rates_shown = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1)
        axes.set_xticks(rates_shown, list(map(percent, rates_shown)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(percent)
        axes.set(xlabel="benign rows flagged", ylabel="malicious rows found", title=PICTURE.title)
        handles, names = axes.get_legend_handles_labels()
        # The network first, then the others, then the thresholds.
        first = names.index(name)
        order = [first, *(number for number in range(len(names)) if number != first)]
        figure.legend(
            [handles[n] for n in order],
            [names[n] for n in order],
            loc="outside lower center",
            ncols=2,
        )
    return figure


def curve(
    logits: NDArray[np.float32], labels: NDArray[np.int8]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rates of false positives and shares detected, at most `POINTS` of each.

    At each rate the threshold is the lowest at which no more benign rows are flagged.
    """
    benign = np.sort(logits[labels == 0])[::-1]
    malicious = np.sort(logits[labels != 0])
    rates = np.geomspace(LOWEST_RATE, 1, POINTS)
    allowed = np.floor(rates * len(benign) + 1e-9).astype(np.int64)
    # Above the first benign logit that must not be flagged.
    inner = np.minimum(allowed, len(benign) - 1)
    above = len(malicious) - np.searchsorted(malicious, benign[inner], "right")
    detected = np.where(allowed >= len(benign), 1.0, above / len(malicious))
    return rates, detected


def _published(thresholds: Thresholds | None) -> list[tuple[float, str, str]]:
    if thresholds is None:
        return []
    return [
        (thresholds.malicious.logit, MALICIOUS, "threshold of malicious"),
        (thresholds.suspicious.logit, SUSPICIOUS, "threshold of suspicious"),
    ]
