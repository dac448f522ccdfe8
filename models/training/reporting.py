"""The report of an artefact that is there already, on any labelled rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from models.artefact import Artefact
from models.detectors import named
from models.training.candidate import Candidate
from models.training.comparison import Rival
from models.training.data import Columns, Labelled, load
from models.training.measuring import Chosen, choose_on, findings, measure
from models.training.policy import EpochReport
from models.training.publishing import Published, tell
from models.training.recipe import Recipe


def report_on(
    artefact: Artefact,
    data: Path,
    columns: Columns,
    rows: Labelled,
    rivals: tuple[Rival, ...] | None,
    folder: Path,
) -> None:
    """Write report, pictures and card of an artefact into ``folder``.

    Thresholds and calibration are the artefact's; what validation rows of ``data`` would choose
    today is told beside them. Nothing is trained, so what trials would tell reads "not run".

    Args:
        artefact: To report on.
        data: Labelled rows.
        columns: Of the data.
        rows: Of the data, to measure on.
        rivals: Other methods on the same rows, if they were fitted.
        folder: Made if it is missing.
    """
    recipe: Recipe = named(artefact.detector.recipe)
    candidate = Candidate.of_artefact(artefact)
    pages = artefact.detector.subject == "page"
    train, validation = load(data, ("train", "validation"), columns, pages=pages)
    today = choose_on(validation, candidate.logits, recipe)
    chosen = Chosen(
        choice=replace(today.choice, thresholds=artefact.thresholds),
        calibration=artefact.calibration,
    )
    found = findings(rows, candidate.logits, recipe, chosen, train)
    history = artefact.manifest
    tell(
        Published(
            title=f"{artefact.name} {artefact.version}",
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
