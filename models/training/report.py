"""Reports of a training or an evaluation: rows of cells for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.thresholds import Thresholds
from models.training.evaluation import APART, COLLECTED, Evaluation
from models.training.metrics import FALSE_POSITIVE_RATES
from models.training.slices import Share, Slice

MARKDOWN = "report.md"
JSON = "report.json"
HEADS = (
    "rows",
    "benign",
    "malicious",
    "AUC",
    *(f"detected at {rate:g}" for rate in FALSE_POSITIVE_RATES),
)
THRESHOLD_HEADS = (
    "rows",
    "false positives, suspicious",
    "false positives, malicious",
    "detected, suspicious",
    "detected, malicious",
)
# A threshold that fewer benign rows reach may be off by half its rate (Wilson's interval of 10
# rows is 5 to 18).
FEWEST_ABOVE = 10
LEGEND = (
    "Detected at a false-positive rate: the share of malicious rows above the threshold that the "
    "benign rows of the same line set for that rate. The other table takes the published "
    "thresholds. Intervals are Wilson's at 95 %."
)
KINDS = (
    f"Rows whose source begins with {' or '.join(f'`{kind}:`' for kind in APART)} stand apart; "
    f"all others are `{COLLECTED}`."
)


def slices(evaluation: Evaluation) -> list[Slice]:
    """All rows, then kinds, then sources that are not a kind as well."""
    kinds = {part.name for part in evaluation.kinds}
    return [
        evaluation.everything,
        *evaluation.kinds,
        *(part for part in evaluation.sources if part.name not in kinds),
    ]


def comparable(evaluation: Evaluation) -> list[Slice]:
    """Those of the slices that have rows of both labels, and all rows in any case."""
    everything, *others = slices(evaluation)
    return [everything, *(part for part in others if part.area is not None)]


def cells(part: Slice) -> list[str]:
    """One line under ``HEADS``."""
    return [
        part.name,
        f"{part.benign:,}",
        f"{part.malicious:,}",
        "" if part.area is None else f"{part.area:.4f}",
        *(
            percent(part.detection[rate]) if rate in part.detection else ""
            for rate in FALSE_POSITIVE_RATES
        ),
    ]


def threshold_cells(part: Slice) -> list[str]:
    """One line under ``THRESHOLD_HEADS``."""
    return [
        part.name,
        percent(part.at_suspicious.false_positives),
        percent(part.at_malicious.false_positives),
        percent(part.at_suspicious.detected),
        percent(part.at_malicious.detected),
    ]


def percent(share: Share) -> str:
    """A share and its interval; nothing of no rows."""
    if share.share is None or share.interval is None:
        return ""
    low, high = share.interval
    return f"{100 * share.share:.2f} % ({100 * low:.2f} to {100 * high:.2f})"


def write(
    folder: Path,
    *,
    title: str,
    history: Mapping[str, Any],
    thresholds: Thresholds,
    validation: Evaluation,
    test: Evaluation | None,
) -> None:
    """Write ``report.md`` and ``report.json``.

    Args:
        folder: Made if it is missing.
        title: Name and version of the model.
        history: As in the manifest.
        thresholds: As published.
        validation: Figures of the rows that chose epoch and thresholds.
        test: Figures of the rows that chose nothing, if there are any.
    """
    folder.mkdir(parents=True, exist_ok=True)
    splits = {"Test": test, "Validation": validation}
    measured = {name: figures for name, figures in splits.items() if figures}
    told = {
        **history,
        "title": title,
        "metrics": {name.lower(): figures.as_json() for name, figures in measured.items()},
    }
    (folder / JSON).write_text(json.dumps(told, indent=1, allow_nan=False) + "\n")
    lines = [f"# {title}", ""]
    lines += _about(history, thresholds)
    for name, figures in measured.items():
        lines += [f"## {name}", "", LEGEND, KINDS, ""]
        lines += table(HEADS, [cells(part) for part in comparable(figures)])
        lines += table(THRESHOLD_HEADS, [threshold_cells(part) for part in slices(figures)])
    lines += ["## Epochs", ""]
    lines += table(
        ("epoch", "loss", "AUC", *HEADS[4:]), list(_epochs(history["training"]["epochs"]))
    )
    (folder / MARKDOWN).write_text("\n".join(lines))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table, and an empty one."""
    # Names of sources are the data's, and may hold anything.
    escaped = [[cell.replace("|", "\\|").replace("\n", "\\n") for cell in row] for row in rows]
    lines = [list(heads), ["---"] * len(heads), *escaped]
    return ["| " + " | ".join(line) + " |" for line in lines] + [""]


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
        "created": history["created_at"],
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
