"""What changed, drawn: needs matplotlib, which is in the extra ``train``."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schemas.label import LABELS
from workers.comparing.comparison import Comparison
from workers.errors import ConfigurationError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from models.training.pictures.style import Picture

_NAMES: Final = [label.value for label in LABELS]


def refuse_without_pictures() -> None:
    """See that pictures can be drawn.

    Raises:
        ConfigurationError: they cannot.
    """
    if find_spec("matplotlib") is None:
        raise ConfigurationError(
            "Reports are drawn with matplotlib, not installed; install fishweir with its extra: "
            "pip install 'fishweir[train]', or leave --report out"
        )


def draw(folder: Path, comparison: Comparison) -> tuple[Picture, Picture]:
    """Write the pictures as PNG and SVG.

    Args:
        folder: Made if it is missing.
        comparison: What changed.
    """
    from models.training.pictures.style import Picture, save  # noqa: PLC0415

    changes = Picture(
        name="changes",
        title="Changes of the logit",
        caption="Events on both sides by how far their logit moved, on a logarithmic scale so that "
        "tails show; what moved further than the axis goes is counted at its ends.",
    )
    labels = Picture(
        name="labels",
        title="Labels before and after",
        caption="Events on both sides by old and new label; on the diagonal nothing changed.",
    )
    return (
        save(_changes(comparison, changes.title), folder, changes),
        save(_labels(comparison, labels.title), folder, labels),
    )


def _changes(comparison: Comparison, title: str) -> Figure:
    from matplotlib.ticker import NullFormatter  # noqa: PLC0415

    from models.training.pictures.style import (  # noqa: PLC0415
        BENIGN,
        INK,
        MALICIOUS,
        MUTED,
        new_figure,
        styled,
    )

    edges, counts = comparison.changes.edges, comparison.changes.counts
    middle = len(counts) // 2
    with styled():
        figure = new_figure()
        axes = figure.add_subplot()
        for part, colour, meaning in (
            (slice(0, middle), BENIGN, "less suspicious than before"),
            (slice(middle, middle + 1), MUTED, "about as before"),
            (slice(middle + 1, len(counts)), MALICIOUS, "more suspicious than before"),
        ):
            bounds = edges[part.start : part.stop + 1]
            axes.stairs(counts[part], bounds, fill=True, color=colour, alpha=0.7, label=meaning)
        axes.stairs(counts, edges, color=INK, linewidth=1)
        # One event must show; matplotlib's own limits would begin with it, and know none of none.
        axes.set_ylim(0.5, max(2.0, 2.0 * float(counts.max())))
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda count, _position: f"{count:,.0f}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.axvline(0, color=INK, linewidth=1, linestyle=(0, (5, 2)))
        axes.set(xlim=(edges[0], edges[-1]), xlabel="new logit less old logit", ylabel="events")
        figure.suptitle(title, x=0.012, ha="left", fontweight="bold", fontsize=12)
        figure.legend(loc="outside lower center", ncols=3)
    return figure


def _labels(comparison: Comparison, title: str) -> Figure:
    import numpy as np  # noqa: PLC0415
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415

    from models.training.pictures.style import BENIGN, INK, new_figure, styled  # noqa: PLC0415

    counts = comparison.labels
    # Most events are benign before and after: a logarithm lets the few that changed show.
    depth = np.log1p(counts) / max(1.0, float(np.log1p(counts.max())))
    with styled():
        figure = new_figure(5.2, 4.2)
        axes = figure.add_subplot()
        colours = LinearSegmentedColormap.from_list("counts", ["white", BENIGN])
        axes.imshow(depth, cmap=colours, vmin=0, vmax=1.25)
        axes.grid(visible=False)
        for old in range(len(_NAMES)):
            for new in range(len(_NAMES)):
                axes.text(
                    new,
                    old,
                    f"{counts[old, new]:,}",
                    ha="center",
                    va="center",
                    color=INK,
                    fontweight="bold" if old == new else "normal",
                )
        axes.set_xticks(range(len(_NAMES)), _NAMES)
        axes.set_yticks(range(len(_NAMES)), _NAMES)
        axes.set(xlabel="new label", ylabel="old label")
        figure.suptitle(title, x=0.012, ha="left", fontweight="bold", fontsize=12)
    return figure
