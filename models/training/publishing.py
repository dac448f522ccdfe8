"""Writes all that comes of a training: pictures, report, model card, and the artefact last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models import artefact
from models.engines.choice import APPROXIMATE
from models.training import portrait
from models.training.candidate import Candidate
from models.training.card import write_card
from models.training.data import Labelled
from models.training.evaluation import Evaluation
from models.training.measuring import Chosen
from models.training.pictures import gallery
from models.training.policy import EpochReport
from models.training.recipe import Recipe
from models.training.report import write as write_report
from models.training.report.findings import Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What is known of a network."""

    title: str
    candidate: Candidate
    chosen: Chosen
    validation: Evaluation
    test: Evaluation | None
    findings: Findings
    epochs: Sequence[EpochReport]
    history: Mapping[str, Any]


def publish(
    made: Published,
    output: Path,
    *,
    measured: Labelled,
    recipe: Recipe,
    name: str,
    version: int,
    command: str,
) -> str:
    """Write it all into ``output``.

    Args:
        made: What is known.
        output: Folder.
        measured: Rows that pictures show.
        recipe: Of the detector.
        name: Of the model.
        version: Of the model.
        command: That trains such a model anew, for the card.

    Returns:
        The artefact's digest.

    Raises:
        ArtefactError: ``output`` holds an artefact already.
        EngineError: an engine does not give the logits that the stored weights gave.
    """
    candidate, chosen = made.candidate, made.chosen
    artefact.refuse_to_overwrite(output)
    tell(made, output, measured=measured, recipe=recipe, command=command)
    subjects = recipe.golden(candidate.featuriser)
    golden = list(zip(subjects, candidate.logits(subjects).tolist(), strict=True))
    digest = artefact.save(
        output,
        detector=candidate.detector,
        name=name,
        version=version,
        sizes=candidate.sizes,
        featuriser=candidate.featuriser,
        calibration=chosen.calibration,
        thresholds=chosen.thresholds,
        tensors=candidate.tensors,
        golden=golden,
        history=made.history,
    )
    written = artefact.load(output)
    for engine in candidate.detector.family.engines:
        # One that is too far off for these weights is not what they are served by.
        if engine not in APPROXIMATE:
            written.engine(engine)
    return digest


def tell(
    made: Published, output: Path, *, measured: Labelled, recipe: Recipe, command: str
) -> None:
    """Draw the pictures, and write report and card.

    Args:
        made: What is known.
        output: Folder, made if it is missing.
        measured: Rows that pictures show.
        recipe: Of the detector.
        command: That trains such a model anew, for the card.
    """
    candidate, chosen = made.candidate, made.chosen
    pictures = gallery.draw(
        output,
        logits=candidate.logits(measured.subjects),
        labels=measured.labels,
        rivals={rival.name: rival.logits for rival in made.findings.rivals or ()},
        thresholds=chosen.thresholds,
        scores=made.findings.scores,
        epochs=made.epochs,
        chosen=made.history["training"]["chosen_epoch"],
    )
    drawn, excited = portrait.draw(candidate, measured, recipe, chosen.thresholds, output)
    found = replace(made.findings, pictures=(*pictures, *drawn), filters=excited or ())
    write_report(
        output,
        title=made.title,
        history=made.history,
        thresholds=chosen.thresholds,
        validation=made.validation,
        test=made.test,
        findings=found,
    )
    write_card(
        output,
        title=made.title,
        detector=candidate.detector.name,
        history=made.history,
        thresholds=chosen.thresholds,
        calibration=chosen.calibration,
        validation=made.validation,
        test=made.test,
        findings=found,
        command=command,
    )
