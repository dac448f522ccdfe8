"""The report of an artefact that is there already, on any labelled rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from models.artefact import Artefact
from models.detectors import named
from models.errors import ArtefactError, DataError
from models.training.candidate import Candidate
from models.training.comparison import Rival
from models.training.data import Columns, Labelled, fingerprint, load
from models.training.measuring import Chosen, choose_on, findings, measure
from models.training.policy import EpochReport
from models.training.publishing import Published, tell
from models.training.recipe import Recipe

# Of a manifest, beside what loading reads (`models.training.history`).
NEEDED = ("parameters", "data", "training", "libraries")


def report_on(
    artefact: Artefact,
    data: Path,
    columns: Columns,
    rows: Labelled,
    rivals: tuple[Rival, ...] | None,
    folder: Path,
) -> None:
    """Write report, pictures and card of an artefact into ``folder``.

    Thresholds and calibration are the artefact's. How they were chosen, and where its rows are
    from, is told only where ``data`` is what it was trained on. Nothing is trained, so what trials
    would tell reads "not run".

    Args:
        artefact: To report on.
        data: Labelled rows.
        columns: Of the data.
        rows: Of the data, to measure on.
        rivals: Other methods on the same rows, if they were fitted.
        folder: Made if it is missing.

    Raises:
        ArtefactError: the manifest does not tell how the artefact was trained.
        DataError: ``data`` cannot be read, or has no validation rows of a label.
    """
    recipe: Recipe = named(artefact.detector.recipe)
    candidate = Candidate.of_artefact(artefact)
    history = artefact.manifest
    if untold := [key for key in NEEDED if key not in history]:
        raise ArtefactError(
            f"the manifest of {artefact.name} {artefact.version} does not tell "
            f"{', '.join(untold)}, which a report is of"
        )
    pages = artefact.detector.subject == "page"
    train, validation = load(data, ("train", "validation"), columns, pages=pages)
    if not validation.benign or not validation.malicious:
        raise DataError(
            f"{data}: split 'validation' has {validation.benign} benign and "
            f"{validation.malicious} malicious rows; a report needs both"
        )
    own = history["data"]["sha256"] == fingerprint(data)
    chosen = Chosen(
        choice=replace(
            choose_on(validation, candidate.logits, recipe).choice, thresholds=artefact.thresholds
        ),
        calibration=artefact.calibration,
    )
    found = findings(rows, candidate.logits, recipe, chosen, train)
    if not own:
        found = replace(found, choice=None, origins=None)
    tell(
        Published(
            title=f"{artefact.name} {artefact.version}{'' if own else f' on {data.name}'}",
            candidate=candidate,
            chosen=chosen,
            validation=measure(validation, candidate.logits, recipe, chosen.thresholds),
            test=measure(rows, candidate.logits, recipe, chosen.thresholds),
            findings=replace(found, rivals=rivals),
            epochs=[
                EpochReport(
                    **{
                        **epoch,
                        "detection": {float(k): v for k, v in epoch["detection"].items()},
                    }
                )
                for epoch in history["training"]["epochs"]
            ],
            history=history,
        ),
        folder,
        measured=rows,
        recipe=recipe,
        command="",
    )
