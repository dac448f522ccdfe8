"""Reports of a training or an evaluation: Markdown and pictures for people, JSON for programs."""

from models.training.report.cells import (
    HEADS,
    NOT_RUN,
    THRESHOLD_HEADS,
    cells,
    comparable,
    percent,
    slices,
    table,
    threshold_cells,
)
from models.training.report.findings import Findings, LeftOut, Trial
from models.training.report.writing import JSON, MARKDOWN, write

__all__ = [
    "HEADS",
    "JSON",
    "MARKDOWN",
    "NOT_RUN",
    "THRESHOLD_HEADS",
    "Findings",
    "LeftOut",
    "Trial",
    "cells",
    "comparable",
    "percent",
    "slices",
    "table",
    "threshold_cells",
    "write",
]
