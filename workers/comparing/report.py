"""Writes a comparison as Markdown with its pictures beside it, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from workers.comparing import tables
from workers.comparing.comparison import Comparison, Moved
from workers.comparing.pictures import draw

MARKDOWN: Final = "comparison.md"
JSON: Final = "comparison.json"


def write(folder: Path, comparison: Comparison) -> None:
    """Write ``comparison.md``, ``comparison.json`` and the pictures.

    Args:
        folder: Made if it is missing.
        comparison: What changed.
    """
    from models.training.report.cells import table  # noqa: PLC0415
    from models.training.report.writing import embedded  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    told = json.dumps(comparison.as_json(), indent=1, allow_nan=False)
    (folder / JSON).write_text(told + "\n")
    changes, labels = draw(folder, comparison)
    lines = [
        f"# {_plain(comparison.old.name)} against {_plain(comparison.new.name)}",
        "",
        *tables.summary(comparison),
        "",
        *(f"- {_plain(note)}" for note in comparison.notes),
        *([""] if comparison.notes else []),
        "## Labels",
        "",
        *table(tables.LABEL_HEADS, tables.labels(comparison)),
        *embedded(labels),
        "## Logits",
        "",
        *table(tables.QUANTILE_HEADS, tables.quantiles(comparison)),
        *embedded(changes),
        *_moved("Newly malicious", comparison.newly, comparison.newly_malicious),
        *_moved("No longer malicious", comparison.no_longer, comparison.no_longer_malicious),
        "## What was compared",
        "",
        *table(tables.MODEL_HEADS, _escaped(list(tables.models(comparison)))),
        *table(tables.SIDE_HEADS, _escaped(tables.sides(comparison))),
    ]
    (folder / MARKDOWN).write_text("\n".join(lines))


def _moved(title: str, ones: Sequence[Moved], count: int) -> list[str]:
    from models.training.pictures.style import defanged, shown  # noqa: PLC0415
    from models.training.report.cells import table  # noqa: PLC0415

    lines = [f"## {title}", ""]
    if not count:
        return [*lines, "None.", ""]
    more = f"The first {len(ones):,} of {count:,}, " if len(ones) < count else ""
    lines += [f"{more}By change of logit.".replace(", By", ", by"), ""]
    rows = [
        (change, old, new, f"`{shown(defanged(subject), 120).replace('`', '')}`", _plain(event))
        for change, old, new, subject, event in tables.moved(ones)
    ]
    return [*lines, *table(tables.MOVED_HEADS, rows)]


def _escaped(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[_plain(cell) for cell in row] for row in rows]


def _plain(text: str) -> str:
    """Text of others as Markdown shows it: no marks, no links, one line."""
    from models.training.pictures.style import shown  # noqa: PLC0415

    return "".join(f"\\{c}" if c in "\\`*_[]<>#" else c for c in shown(text, 200))
