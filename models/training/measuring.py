"""All figures of a network that need no further training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibration
from models.thresholds import Thresholds
from models.training.calibration import fit_calibration, reliability
from models.training.data import Labelled
from models.training.evaluation import Evaluation, evaluate, kinds
from models.training.licences import EXCLUDED_SOURCES, origins
from models.training.recipe import Recipe
from models.training.report.findings import Findings
from models.training.robustness import cheap_additions, meaningless_changes, some
from models.training.thresholds import Choice, benign_kinds, choose

Scorer = Callable[[Sequence[Any]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What validation decided."""

    choice: Choice
    calibration: Calibration

    @property
    def thresholds(self) -> Thresholds:
        """As published."""
        return self.choice.thresholds


def choose_on(validation: Labelled, score: Scorer, recipe: Recipe) -> Chosen:
    """Choose thresholds and calibration on rows of validation."""
    logits = score(validation.subjects)
    return Chosen(
        choice=choose(
            benign_kinds(
                logits,
                validation.labels,
                kinds(validation.sources),
                lower_cased=_lower_cased(validation, score, recipe),
                groups=validation.groups,
            )
        ),
        calibration=fit_calibration(logits, validation.labels),
    )


def measure(rows: Labelled, score: Scorer, recipe: Recipe, thresholds: Thresholds) -> Evaluation:
    """Figures of n rows, by everything that sets them apart."""
    return evaluate(
        score(rows.subjects),
        rows.labels,
        rows.sources,
        thresholds,
        columns=recipe.set_apart(rows),
        lower_cased=_lower_cased(rows, score, recipe),
        dates=rows.dates if any(rows.dates) else None,
    )


def findings(
    rows: Labelled, score: Scorer, recipe: Recipe, chosen: Chosen, train: Labelled
) -> Findings:
    """What changes of texts do, how far scores are off, and where rows are from.

    Args:
        rows: To measure on.
        score: Gives logits.
        recipe: Of the detector.
        chosen: On validation.
        train: What the network was trained on.
    """
    malicious = [
        text for text, label in zip(rows.subjects, rows.labels.tolist(), strict=True) if label
    ]
    drawn = [rows.subjects[row] for row in some(len(rows)).tolist()]
    both = 0 < len(malicious) < len(rows)
    return Findings(
        choice=chosen.choice,
        scores=reliability(score(rows.subjects), rows.labels, chosen.calibration) if both else None,
        additions=(
            cheap_additions(score, malicious, recipe.additions, chosen.thresholds)
            if recipe.additions and malicious
            else ()
        ),
        changes=(
            meaningless_changes(score, drawn, recipe.changes, chosen.thresholds)
            if recipe.changes
            else ()
        ),
        origins=origins(train.sources, train.labels),
        excluded=EXCLUDED_SOURCES,
    )


def _lower_cased(rows: Labelled, score: Scorer, recipe: Recipe) -> NDArray[np.float32] | None:
    """Logits of texts in lower case, where case is among what must not matter."""
    return score([text.lower() for text in rows.subjects]) if recipe.changes else None
