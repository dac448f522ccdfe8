"""The whole of a training: from a file of labelled rows to an artefact and its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from models import artefact
from models.artefact import Artefact
from models.detectors import Detector
from models.errors import DataError
from models.reference import KEY
from models.thresholds import Thresholds
from models.training import history, work_folder
from models.training.data import SPLITS, Labelled, fingerprint, load
from models.training.evaluation import Evaluation
from models.training.fitted import Observer, fitted
from models.training.judged import Judged
from models.training.licences import refuse_excluded
from models.training.measuring import choose_on, findings, measure
from models.training.policy import EpochReport
from models.training.publishing import Published, publish
from models.training.reference import reference
from models.training.settings import TrainingSettings
from models.training.teaching import taught, taught_by_file
from models.training.trial_plan import Trials
from models.training.trials import run_trials


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What came of a training.

    Attributes:
        folder: Of the artefact, which also holds report and model card.
        digest: Of the artefact.
        epochs: One report an epoch.
        thresholds: As published.
        validation: On the rows that chose epoch, thresholds and calibration.
        test: On rows that chose nothing; None where the data has no such split.
    """

    folder: Path
    digest: str
    epochs: Sequence[EpochReport]
    thresholds: Thresholds
    validation: Evaluation
    test: Evaluation | None


def train(
    data: Path,
    *,
    detector: Detector,
    output: Path,
    work: Path,
    settings: TrainingSettings,
    observer: Observer,
    name: str | None = None,
    version: int = 1,
    teachers: Sequence[Artefact] = (),
    judged: Judged | None = None,
    trials: Trials | None = None,
    command: str = "",
) -> Trained:
    """Train on a file of labelled rows and write the artefact.

    Called again with the same data, settings and work folder, it goes on after the last whole
    epoch; where all epochs are done, it only measures and writes the artefact.

    Args:
        data: Parquet, CSV or JSON Lines (`models.training.data`).
        detector: What to train.
        output: Folder to write to; must hold no artefact yet.
        work: Folder of checkpoints.
        settings: What decides the weights, beside the data.
        observer: Is told of progress.
        name: Of the model; the detector's by default.
        version: Of the model.
        teachers: Artefacts whose scores are learned beside the labels, as ``settings`` names them.
        judged: What another teacher makes of the rows, in place of artefacts.
        trials: What else to train for the report; None for nothing.
        command: As the model card is to tell it.

    Raises:
        ArtefactError: ``output`` holds an artefact already.
        DataError: the data cannot be read, lacks rows to train or choose on, or has rows of
            sources whose terms exclude this use.
        EngineError: an engine does not give the logits that the network gave.
        ResumeError: ``work`` holds another training.
    """
    artefact.refuse_to_overwrite(output)
    observer.stage(f"Reading {data}")
    digest = fingerprint(data)
    pages = detector.subject == "page"
    rows = dict(zip(SPLITS, load(data, columns=settings.columns, pages=pages), strict=True))
    _refuse_one_sided(rows, data)
    for part in rows.values():
        refuse_excluded(part.sources)
    if trials:
        trials.refuse(rows)
    work_folder.claim(work, settings.record(digest))
    shown = rows["train"]
    if teachers:
        observer.stage(f"Asking {len(teachers)} teachers")
        shown = taught(
            shown, teachers, weight=settings.distillation, invented=_invented(shown, settings)
        )
    if judged:
        shown = taught_by_file(shown, judged, weight=settings.distillation)
    observer.stage(f"Training on {len(shown):,} rows, validating on {len(rows['validation']):,}")
    if settings.deterministic:
        _refuse_to_round_otherwise()
    candidate, epochs = fitted(detector, settings, {**rows, "train": shown}, work, observer)
    observer.stage("Choosing thresholds and calibration on validation")
    recipe = settings.recipe
    chosen = choose_on(rows["validation"], candidate.logits, recipe)
    validation = measure(rows["validation"], candidate.logits, recipe, chosen.thresholds)
    test = None
    if len(rows["test"]):
        observer.stage(f"Measuring on {len(rows['test']):,} rows of test")
        test = measure(rows["test"], candidate.logits, recipe, chosen.thresholds)
    measured = rows["test"] if test else rows["validation"]
    found = findings(measured, candidate.logits, recipe, chosen, rows["train"])
    if trials:
        found = run_trials(
            trials,
            found,
            detector=detector,
            settings=settings,
            rows=rows,
            data=digest,
            work=work / work_folder.TRIALS,
            observer=observer,
        )
    observer.stage(f"Writing {output}")
    made = publish(
        Published(
            title=f"{name or detector.name} {version}",
            candidate=candidate,
            chosen=chosen,
            validation=validation,
            test=test,
            findings=found,
            epochs=epochs,
            history={
                **history.history(
                    digest=digest,
                    rows=rows,
                    settings=settings,
                    epochs=epochs,
                    validation=validation,
                    test=test,
                ),
                KEY: reference(
                    rows["validation"], candidate, chosen.thresholds, chosen.calibration
                ).as_json(),
            },
        ),
        output,
        measured=measured,
        recipe=recipe,
        name=name or detector.name,
        version=version,
        command=command,
    )
    return Trained(
        folder=output,
        digest=made,
        epochs=epochs,
        thresholds=chosen.thresholds,
        validation=validation,
        test=test,
    )


def _invented(rows: Labelled, settings: TrainingSettings) -> list[str]:
    invent, count = settings.recipe.invent, round(settings.invented * len(rows))
    # By a seed of its own: runs under several seeds are compared on the same texts.
    return invent(rows.subjects, count, 0) if invent and count else []


def _refuse_to_round_otherwise() -> None:
    """Let TensorFlow refuse what may round differently from run to run; JAX on a CPU has none."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415 - not there where Keras runs on JAX

        tf.config.experimental.enable_op_determinism()


def _refuse_one_sided(rows: Mapping[str, Labelled], data: Path) -> None:
    for split in ("train", "validation"):
        part = rows[split]
        if not part.benign or not part.malicious:
            raise DataError(
                f"{data}: split '{split}' has {part.benign} benign and {part.malicious} "
                "malicious rows; training needs both in train and in validation"
            )
