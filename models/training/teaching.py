"""Networks that learn what others make of the rows, beside the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.artefact import Artefact
from models.calibration import sigmoid
from models.training.data import Labelled
from models.training.evaluation import score

INVENTED = "invented"
EVEN = 0.5


def taught(
    rows: Labelled,
    teachers: Sequence[Artefact],
    *,
    weight: float,
    invented: Sequence[str] = (),
) -> Labelled:
    """Rows whose targets are, in part, what teachers make of them (Hinton et al., 1503.02531).

    Args:
        rows: To learn from.
        teachers: Their logits are averaged.
        weight: Of what they say, 0 to 1; the label has the rest.
        invented: Texts beyond the rows, which have no label, to be learned from the teachers
            alone; they follow the rows.
    """
    targets = (1 - weight) * rows.labels + weight * _scores(teachers, rows.subjects)
    known = replace(rows, targets=targets.astype(np.float32))
    if not invented:
        return known
    made = _scores(teachers, invented)
    nothing = [""] * len(invented)
    return Labelled(
        subjects=[*known.subjects, *invented],
        labels=np.concatenate([known.labels, (made >= EVEN).astype(np.int8)]),
        sources=[*known.sources, *[INVENTED] * len(invented)],
        groups=[*known.groups, *nothing],
        dates=[*known.dates, *nothing],
        apart={name: [*values, *nothing] for name, values in known.apart.items()},
        targets=np.concatenate([known.targets, made.astype(np.float32)]),
    )


def _scores(teachers: Sequence[Artefact], subjects: Sequence[Any]) -> NDArray[np.float64]:
    logits = [
        score(teacher.engine("tables"), teacher.featuriser(), subjects).astype(np.float64)
        for teacher in teachers
    ]
    return sigmoid(np.mean(logits, axis=0))
