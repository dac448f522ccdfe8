"""How pictures look, and how they are written: the same bytes for the same numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Blue and vermilion of Okabe & Ito (2008): apart for every kind of colour vision.
BENIGN = "#0072B2"
SUSPICIOUS = "#E69F00"
MALICIOUS = "#D55E00"
INK = "#22282E"
MUTED = "#6B7580"
GRID = "#E3E7EB"
# For methods beside the network, which is drawn in ink.
OTHERS = ("#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6BB1", "#999999")
DOTS_AN_INCH = 160

_STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "savefig.bbox": "standard",
    "svg.fonttype": "path",
    "svg.hashsalt": "fishweir",
    "text.color": INK,
    # Texts of the data hold dollar signs.
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
}


_SCHEME = re.compile(r"(?i)http(?=s?://)")
# Up to the path, which browsers let a backslash begin too; a scheme has no dot.
_HOST = re.compile(r"(?:[A-Za-z]+://)?[^/?#\\]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture that was written.

    Attributes:
        name: Of its files, without suffix.
        title: Above it.
        caption: What is to be seen, in a sentence or two.
    """

    name: str
    title: str
    caption: str

    @property
    def png(self) -> str:
        """Name of the file of dots."""
        return f"{self.name}.png"

    @property
    def svg(self) -> str:
        """Name of the file of lines."""
        return f"{self.name}.svg"


@contextmanager
def styled() -> Iterator[None]:
    """Figures made within look as this module says."""
    with mpl.rc_context(_STYLE):
        yield


def new_figure(width: float = 7.2, height: float = 4.6) -> Figure:
    """An empty figure of so many inches, whose parts make room for one another."""
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, folder: Path, picture: Picture) -> Picture:
    """Write ``figure`` as PNG and SVG, without dates or versions."""
    folder.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    with styled():
        figure.savefig(
            folder / picture.png, dpi=DOTS_AN_INCH, metadata={"Software": None}, format="png"
        )
        figure.savefig(
            folder / picture.svg,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
            format="svg",
        )
    return picture


def shown(text: str, most: int = 60) -> str:
    """Text of the data on one line: printable ASCII, the rest escaped, its middle left out.

    >>> shown("a" * 99, most=9)
    'aaa...aaa'
    """
    plain = "".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in text)
    if len(plain) <= most:
        return plain
    kept = most - len("...")
    return f"{plain[: kept - kept // 2]}...{plain[len(plain) - kept // 2 :]}"


def defanged(url: str) -> str:
    """A URL that no reader's program turns into a link: hxxp, and dots of the host in brackets.

    >>> defanged("HTTPS://a.example/b.c?u=http://d.example")
    'hxxpS://a[.]example/b.c?u=hxxp://d.example'
    """
    plain = _SCHEME.sub("hxxp", url)
    return _HOST.sub(lambda host: host[0].replace(".", "[.]"), plain, count=1)


def percent(share: float, _position: float = 0.0) -> str:
    """A share as a percentage, for ticks and legends."""
    return f"{100 * share:.10g} %"


def decimal(number: float) -> str:
    """A number between 0 and 1 without an exponent."""
    return f"{number:.9f}".rstrip("0")
