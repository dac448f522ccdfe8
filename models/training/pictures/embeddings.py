"""Where the characters came to lie: those that mean like things lie near one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from models.training.pictures.style import (
    BENIGN,
    GRID,
    INK,
    MALICIOUS,
    MUTED,
    OTHERS,
    Picture,
    new_figure,
    styled,
)

PICTURE = Picture(
    name="embeddings",
    title="Characters as the network has them",
    caption="The embedding of each character in the plane of its first two principal components. "
    "A thin line leads from a character that had to give way to its place.",
)
COLOURS = (BENIGN, MALICIOUS, OTHERS[0], OTHERS[1], OTHERS[4], MUTED)
# Of the picture's width: letters nearer than this would lie on one another.
LEAST_DISTANCE = 0.026
_PUSHES = 400


def embedding_map(
    embedding: NDArray[np.float32], characters: Sequence[str], groups: Sequence[str]
) -> Figure:
    """Draw the map.

    Args:
        embedding: float32[n, d], a row a code, d at least 2.
        characters: n printed ones, "" for a code to leave out (padding, classes of many).
        groups: n names by which to colour (letters, digits, ...; host, path, ...).
    """
    rows = [number for number, character in enumerate(characters) if character]
    places, explained = principal_plane(embedding[rows])
    labels = apart(places)
    different = list(dict.fromkeys(groups[row] for row in rows))
    with styled():
        figure = new_figure(7.6, 7.0)
        axes = figure.add_subplot()
        axes.axhline(0, color=GRID, zorder=0)
        axes.axvline(0, color=GRID, zorder=0)
        axes.grid(visible=False)
        axes.spines[["left", "bottom"]].set_visible(False)
        for place, label, row in zip(places, labels, rows, strict=True):
            colour = COLOURS[different.index(groups[row]) % len(COLOURS)]
            if np.hypot(*(place - label)) > LEAST_DISTANCE / 3:
                axes.plot(*zip(place, label, strict=True), color=colour, linewidth=0.6, alpha=0.5)
                axes.plot(*place, "o", color=colour, markersize=2, alpha=0.6)
            across, up = label.tolist()
            axes.text(
                across,
                up,
                characters[row],
                color=colour,
                ha="center",
                va="center",
                family="DejaVu Sans Mono",
                fontsize=11,
                fontweight="bold",
            )
        for number, group in enumerate(different):
            axes.plot([], [], "s", color=COLOURS[number % len(COLOURS)], label=group)
        axes.legend(loc="best", labelcolor=INK)
        margin = 0.03
        for low, high, limit in (
            (labels[:, 0].min(), labels[:, 0].max(), axes.set_xlim),
            (labels[:, 1].min(), labels[:, 1].max(), axes.set_ylim),
        ):
            limit(low - margin, high + margin)
        first, second = (f"{100 * share:.0f} % of the variance" for share in explained)
        axes.set(title=PICTURE.title, xlabel=f"first component, {first}")
        axes.set(ylabel=f"second component, {second}", xticks=[], yticks=[])
    return figure


def principal_plane(
    points: NDArray[np.float32],
) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Points in the plane of their first two principal components.

    Returns:
        float64[n, 2], within 0 to 1 of the wider component's range, signs set so that the point
        farthest out lies up and right; and the shares of the variance that the two hold.
    """
    centred = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    plane = centred @ axes[:2].T
    farthest = np.abs(plane).argmax(axis=0)
    plane *= np.where(plane[farthest, [0, 1]] < 0, -1, 1)
    variance = sizes**2 / max(float((sizes**2).sum()), np.finfo(np.float64).tiny)
    widest = max(float(np.ptp(plane, axis=0).max()), np.finfo(np.float64).tiny)
    return plane / widest, (float(variance[0]), float(variance[1]))


def apart(places: NDArray[np.float64], least: float = LEAST_DISTANCE) -> NDArray[np.float64]:
    """Places float64[n, 2] moved until none lies nearer than ``least`` to another, or nearly so."""
    moved = places.copy()
    count = len(moved)
    # Points on one spot need a direction to part in, each its own.
    angles = 2 * np.pi * np.arange(count) * 0.381966
    moved += 1e-6 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for _ in range(_PUSHES):
        between = moved[:, None] - moved[None]
        distance = np.hypot(between[..., 0], between[..., 1])
        np.fill_diagonal(distance, np.inf)
        short = np.maximum(0, least - distance)
        if not short.any():
            break
        pushes = (short / 2 / np.maximum(distance, 1e-12))[..., None] * between
        moved += pushes.sum(axis=1) * 0.6
    return moved
