"""A network of a recipe, fitted to rows and rounded as it will be stored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import keras

from models.detectors import Detector
from models.training.candidate import Candidate
from models.training.data import Labelled
from models.training.fit import fit
from models.training.policy import EpochReport
from models.training.settings import TrainingSettings


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


def fitted(
    detector: Detector,
    settings: TrainingSettings,
    rows: Mapping[str, Labelled],
    work: Path,
    observer: Observer,
) -> tuple[Candidate, list[EpochReport]]:
    """Fit the network of a recipe to rows of train, in or on from a work folder."""
    recipe = settings.recipe
    keras.utils.set_random_seed(settings.seed)
    trainee = recipe.trainee(recipe.sizes, recipe.featuriser, settings.seed)
    epochs = fit(
        trainee,
        rows["train"],
        rows["validation"],
        policy=settings.policy,
        plan=settings.plan,
        folder=work,
        progress=observer.step,
        on_epoch=observer.epoch,
    )
    candidate = Candidate.of(detector, recipe.sizes, recipe.featuriser, trainee.tensors())
    return candidate, epochs
