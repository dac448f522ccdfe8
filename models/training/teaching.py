"""Networks that learn what others make of the rows, beside the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.artefact import Artefact
from models.calibration import sigmoid
from models.training.data import Labelled
from models.training.evaluation import score


def taught(rows: Labelled, teachers: Sequence[Artefact], weight: float) -> Labelled:
    """Rows whose targets are, in part, what teachers make of them (Hinton et al., 1503.02531).

    Args:
        rows: To learn from.
        teachers: Their logits are averaged.
        weight: Of what they say, 0 to 1; the label has the rest.
    """
    logits = np.mean(
        [
            score(teacher.engine("tables"), teacher.featuriser(), rows.subjects).astype(np.float64)
            for teacher in teachers
        ],
        axis=0,
    )
    targets = (1 - weight) * rows.labels + weight * sigmoid(logits)
    return replace(rows, targets=targets.astype(np.float32))
