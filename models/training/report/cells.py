"""Figures as cells of tables."""

from __future__ import annotations

from collections.abc import Sequence

from models.training.evaluation import Evaluation
from models.training.metrics import FALSE_POSITIVE_RATES
from models.training.slices import Share, Slice

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
NOT_RUN = "not run"


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
        area(part),
        *(
            percent(part.detection[rate]) if rate in part.detection else ""
            for rate in FALSE_POSITIVE_RATES
        ),
    ]


def area(part: Slice) -> str:
    """The area under the ROC and its interval; nothing where a label has no row."""
    if part.area is None or part.area_interval is None:
        return ""
    low, high = part.area_interval
    return f"{part.area:.4f} ({low:.4f} to {high:.4f})"


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


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table, and an empty one."""
    # Names of sources are the data's, and may hold anything.
    escaped = [[cell.replace("|", "\\|").replace("\n", "\\n") for cell in row] for row in rows]
    lines = [list(heads), ["---"] * len(heads), *escaped]
    return ["| " + " | ".join(line) + " |" for line in lines] + [""]
