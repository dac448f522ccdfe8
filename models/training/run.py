"""The whole of a training: from a file of labelled texts to an artefact and its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from models import artefact
from models.characters.network import build
from models.detectors import ENGINES, Detector
from models.errors import DataError
from models.features import Featuriser
from models.thresholds import Thresholds
from models.training import history, report, work_folder
from models.training.data import SPLITS, Labelled, fingerprint, load
from models.training.evaluation import Evaluation, evaluate
from models.training.fit import Examples, fit, logits
from models.training.golden import golden_texts
from models.training.policy import EpochReport
from models.training.settings import TrainingSettings
from models.training.thresholds import choose_thresholds
from models.url.featuriser import CharacterFeaturiser


class Observer(Protocol):
    """Is told how a training goes on, from the thread that trains."""

    def stage(self, what: str) -> None:
        """What begins now."""
        ...

    def step(self, done: int, steps: int, loss: float) -> None:
        """Steps done of the steps of all epochs, and the mean loss of the epoch so far."""
        ...

    def epoch(self, ended: EpochReport) -> None:
        """An epoch ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What came of a training.

    Attributes:
        folder: Of the artefact, which also holds the reports.
        digest: Of the artefact.
        epochs: One report an epoch.
        thresholds: As published.
        validation: On the rows that chose epoch and thresholds.
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
) -> Trained:
    """Train on a file of labelled texts and write the artefact.

    Called again with the same data, settings and work folder, it goes on after the last whole
    epoch; where all epochs are done, it only writes the artefact.

    Args:
        data: Parquet, CSV or JSON Lines (`models.training.data`).
        detector: What to train.
        output: Folder to write to; must hold no artefact yet.
        work: Folder of checkpoints, some 27 MB each for the default sizes.
        settings: What decides the weights, beside the data.
        observer: Is told of progress.
        name: Of the model; the detector's by default.
        version: Of the model.

    Raises:
        ArtefactError: ``output`` holds an artefact already.
        DataError: the data cannot be read, or lacks rows to train or choose on.
        EngineError: an engine does not give the logits that the network gave.
        ResumeError: ``work`` holds another training.
    """
    artefact.refuse_to_overwrite(output)
    observer.stage(f"Reading {data}")
    digest = fingerprint(data)
    rows = dict(zip(SPLITS, load(data, columns=settings.columns), strict=True))
    _refuse_one_sided(rows, data)
    work_folder.claim(work, settings.record(digest))
    featuriser = CharacterFeaturiser(width=settings.width)
    observer.stage(
        f"Training on {len(rows['train']):,} rows, validating on {len(rows['validation']):,}"
    )
    keras.utils.set_random_seed(settings.seed)
    network = build(settings.sizes)
    epochs = fit(
        network,
        _examples(rows["train"], featuriser),
        _examples(rows["validation"], featuriser),
        policy=settings.policy,
        plan=settings.plan,
        folder=work,
        progress=observer.step,
        on_epoch=observer.epoch,
    )
    observer.stage("Choosing thresholds on validation")
    given = _logits(network, rows["validation"], featuriser)
    thresholds = choose_thresholds(given[rows["validation"].labels == 0])
    validation = _evaluation(given, rows["validation"], thresholds)
    test = None
    if len(rows["test"]):
        observer.stage(f"Measuring on {len(rows['test']):,} rows of test")
        test = _evaluation(_logits(network, rows["test"], featuriser), rows["test"], thresholds)
    observer.stage(f"Writing {output}")
    tensors = {variable.path: np.asarray(variable, np.float32) for variable in network.weights}
    texts = golden_texts(settings.width)
    tables = detector.engine("tables", settings.sizes, tensors, featuriser.parameters)
    told = history.history(
        digest=digest,
        rows=rows,
        settings=settings,
        epochs=epochs,
        validation=validation,
        test=test,
    )
    report.write(
        output,
        title=f"{name or detector.name} {version}",
        history=told,
        thresholds=thresholds,
        validation=validation,
        test=test,
    )
    made = artefact.save(
        output,
        detector=detector,
        name=name or detector.name,
        version=version,
        sizes=settings.sizes,
        featuriser=featuriser,
        thresholds=thresholds,
        tensors=tensors,
        golden=list(zip(texts, tables.logits(featuriser(texts)).tolist(), strict=True)),
        history=told,
    )
    written = artefact.load(output)
    for engine in ENGINES:
        written.engine(engine)
    return Trained(
        folder=output,
        digest=made,
        epochs=epochs,
        thresholds=thresholds,
        validation=validation,
        test=test,
    )


def _refuse_one_sided(rows: dict[str, Labelled], data: Path) -> None:
    for split in ("train", "validation"):
        part = rows[split]
        if not part.benign or not part.malicious:
            raise DataError(
                f"{data}: split '{split}' has {part.benign} benign and {part.malicious} "
                "malicious rows; training needs both in train and in validation"
            )


def _examples(rows: Labelled, featuriser: Featuriser) -> Examples:
    return Examples(features=featuriser(rows.texts), labels=rows.labels)


def _logits(network: keras.Model, rows: Labelled, featuriser: Featuriser) -> NDArray[np.float32]:
    return logits(network, featuriser(rows.texts))


def _evaluation(given: NDArray[np.float32], rows: Labelled, thresholds: Thresholds) -> Evaluation:
    return evaluate(given, rows.labels, rows.sources, thresholds)
