"""Networks that learn what others make of the rows, beside the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.artefact import Artefact
from models.calibration import sigmoid
from models.errors import DataError
from models.training.data import Labelled
from models.training.evaluation import score
from models.training.judged import Judged

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
    made = _scores(teachers, invented) if invented else np.zeros(0)
    return _mixed(rows, _scores(teachers, rows.subjects), weight, invented, made)


def taught_by_file(rows: Labelled, judged: Judged, *, weight: float) -> Labelled:
    """The same of a teacher whose logits were computed elsewhere.

    Args:
        rows: To learn from; all of them must have been judged.
        judged: Further texts in it are learned from the teacher alone.
        weight: Of what it says, 0 to 1; the label has the rest.

    Raises:
        DataError: a row has no logit.
    """
    scores = dict(zip(judged.texts, sigmoid(judged.logits).tolist(), strict=True))
    missing = sum(text not in scores for text in rows.subjects)
    if missing:
        raise DataError(
            f"the file of a teacher's logits lacks {missing:,} of the {len(rows):,} rows of train; "
            "it was made for other data"
        )
    of_rows = np.array([scores[text] for text in rows.subjects])
    own = set(rows.subjects)
    further = [text for text in judged.texts if text not in own]
    return _mixed(rows, of_rows, weight, further, np.array([scores[text] for text in further]))


def _mixed(
    rows: Labelled,
    of_rows: NDArray[np.float64],
    weight: float,
    invented: Sequence[str],
    made: NDArray[np.float64],
) -> Labelled:
    targets = (1 - weight) * rows.labels + weight * of_rows
    known = replace(rows, targets=targets.astype(np.float32))
    if not invented:
        return known
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
