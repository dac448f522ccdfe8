"""The reference of a network, from the rows that chose its thresholds.

``python -m models.training.reference ARTEFACT DATA`` prints that of an artefact that was published
before manifests had one, for ``models/artefacts/references.json``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import artefact
from models.calibration import Calibration
from models.reference import Reference
from models.thresholds import Thresholds
from models.training.candidate import Candidate
from models.training.data import Columns, Labelled, fingerprint, load

_ROWS_AT_ONCE = 256


def reference(
    validation: Labelled, candidate: Candidate, thresholds: Thresholds, calibration: Calibration
) -> Reference:
    """What validation showed, weighted to the calibration's prior.

    Args:
        validation: Rows of both labels.
        candidate: The network.
        thresholds: As published.
        calibration: Whose prior counts.
    """
    malicious = validation.labels != 0
    prior = calibration.prior
    weights = np.where(
        malicious, prior / validation.malicious, (1 - prior) / validation.benign
    ).astype(np.float64)
    return Reference.of(
        candidate.logits(validation.subjects),
        _tokens(validation.subjects, weights, candidate),
        weights=weights,
        thresholds=(thresholds.suspicious.logit, thresholds.malicious.logit),
    )


def _tokens(
    subjects: Sequence[object], weights: NDArray[np.float64], candidate: Candidate
) -> NDArray[np.float64]:
    """How much there is of each token, subjects weighted: float64[t]."""
    total: NDArray[np.float64] | None = None
    # Rows of a label weigh alike, so that tokens are counted a label at a time.
    for weight in np.unique(weights):
        rows = np.flatnonzero(weights == weight).tolist()
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            some = [subjects[row] for row in rows[start : start + _ROWS_AT_ONCE]]
            counts = weight * candidate.featuriser(some).tokens()
            total = counts if total is None else total + counts
    if total is None:
        raise ValueError("there are no rows")
    return total


def _main(folder: Path, data: Path) -> None:
    known = artefact.load(folder)
    if known.manifest["data"]["sha256"] != fingerprint(data):
        sys.exit(f"{data} is not what {folder} was trained on")
    told = known.manifest["training"]["columns"]
    columns = Columns(**{**told, "apart": tuple(told["apart"])})
    pages = known.detector.subject == "page"
    (validation,) = load(data, ("validation",), columns, pages=pages)
    found = reference(validation, Candidate.of_artefact(known), known.thresholds, known.calibration)
    sys.stdout.write(json.dumps({known.digest: found.as_json()}) + "\n")


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]))
