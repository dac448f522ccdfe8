"""Writes a report: Markdown with its pictures beside it, and JSON of the same record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.thresholds import Thresholds
from models.training.evaluation import Evaluation
from models.training.pictures import (
    boundary,
    calibration,
    embeddings,
    filters,
    histogram,
    learning,
    roc,
)
from models.training.pictures.style import Picture
from models.training.report import sections
from models.training.report.cells import HEADS, table
from models.training.report.findings import Findings
from models.training.report.trials import trials

MARKDOWN = "report.md"
JSON = "report.json"
# A threshold that fewer benign rows reach may be off by half its rate (Wilson's interval of 10
# rows is 5 to 18).
FEWEST_ABOVE = 10


def write(
    folder: Path,
    *,
    title: str,
    history: Mapping[str, Any],
    thresholds: Thresholds,
    validation: Evaluation,
    test: Evaluation | None,
    findings: Findings | None = None,
) -> None:
    """Write ``report.md`` and ``report.json``.

    Args:
        folder: Made if it is missing; the pictures that ``findings`` names lie in it.
        title: Name and version of the model.
        history: As in the manifest.
        thresholds: As published.
        validation: Figures of the rows that chose epoch and thresholds.
        test: Figures of the rows that chose nothing, if there are any.
        findings: What else was measured; without it all of that reads "not run".
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = findings or Findings()
    splits = {"Test": test, "Validation": validation}
    measured = {name: figures for name, figures in splits.items() if figures}
    told = {
        **history,
        "title": title,
        "metrics": {name.lower(): figures.as_json() for name, figures in measured.items()},
        "findings": found.as_json(),
    }
    (folder / JSON).write_text(json.dumps(told, indent=1, allow_nan=False) + "\n")
    drawn = {picture.name: picture for picture in found.pictures}

    def picture(wanted: Picture) -> list[str]:
        return embedded(drawn[wanted.name]) if wanted.name in drawn else []

    lines = [f"# {title}", "", *_about(history, thresholds)]
    for name, figures in measured.items():
        lines += sections.figures(name, figures)
    lines += sections.rivals(test or validation, found.rivals)
    lines += picture(roc.PICTURE)
    lines += sections.choice(found.choice, thresholds)
    lines += picture(histogram.PICTURE)
    lines += sections.expected(test)
    lines += sections.scores(found.scores)
    lines += picture(calibration.PICTURE)
    lines += trials(found)
    inner = [line for module in (embeddings, filters, boundary) for line in picture(module.PICTURE)]
    if inner:
        lines += ["## What it learned", "", *inner]
    lines += ["## Epochs", "", *picture(learning.PICTURE)]
    lines += table(
        ("epoch", "loss", "AUC", *HEADS[4:]), list(_epochs(history["training"]["epochs"]))
    )
    (folder / MARKDOWN).write_text("\n".join(lines))


def embedded(picture: Picture) -> list[str]:
    """Lines of Markdown that show a picture by its relative path, with a link to its lines."""
    return [
        f"![{picture.title}]({picture.png})",
        "",
        f"*{picture.caption}* ([SVG]({picture.svg}))",
        "",
    ]


def _about(history: Mapping[str, Any], thresholds: Thresholds) -> list[str]:
    training, data = history["training"], history["data"]
    counted = {
        split: f"{rows['benign']:,} benign, {rows['malicious']:,} malicious"
        for split, rows in data["rows"].items()
    }
    published = {
        f"{label} from logit": f"{threshold.logit:.4f}, set for "
        f"{100 * threshold.false_positive_rate:g} % false positives on validation"
        for label, threshold in (
            ("malicious", thresholds.malicious),
            ("suspicious", thresholds.suspicious),
        )
    }
    facts = {
        "created": history.get("created_at", "not told, so that the digest can be made again"),
        "parameters": f"{history['parameters']:,}",
        **published,
        **counted,
        "SHA-256 of the data": data["sha256"],
        "epochs": f"{len(training['epochs'])} of at most {training['policy']['epochs']}; "
        f"the weights are those of epoch {training['chosen_epoch']}",
        "seed": str(training["seed"]),
        "libraries": ", ".join(f"{name} {held}" for name, held in history["libraries"].items()),
    }
    lines = table(("", ""), list(facts.items()))
    benign = data["rows"]["validation"]["benign"]
    if benign * thresholds.malicious.false_positive_rate < FEWEST_ABOVE:
        lines += [
            (
                f"The thresholds rest on {benign:,} benign rows of validation: too few to set "
                f"{100 * thresholds.malicious.false_positive_rate:g} % by."
            ),
            "",
        ]
    return lines


def _epochs(epochs: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    for epoch in epochs:
        yield [
            str(epoch["epoch"]),
            f"{epoch['loss']:.4f}",
            f"{epoch['area']:.4f}",
            *(f"{100 * share:.2f} %" for share in epoch["detection"].values()),
        ]
