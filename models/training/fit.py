"""Fits a network to labelled texts: checkpoints, resume, early stopping, a seed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from models.errors import DataError, LogitError, ResumeError
from models.training.batches import BatchPlan
from models.training.data import Labelled
from models.training.metrics import figures
from models.training.policy import EpochReport, FitPolicy, best, stale
from models.training.recipe import Trainee
from models.training.work_folder import BEST, EPOCHS

Progress = Callable[[int, int, float], None]
"""Called as (steps done, steps in all, mean loss of the epoch so far)."""


def fit(
    trainee: Trainee,
    train: Labelled,
    validation: Labelled,
    *,
    policy: FitPolicy,
    plan: BatchPlan,
    folder: Path,
    progress: Progress | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> list[EpochReport]:
    """Train a network in place; it ends with the weights of its best epoch.

    ``folder`` holds a checkpoint after every epoch; called again with the same folder, training
    goes on where it was.

    Raises:
        DataError: a split lacks rows of either label.
        LogitError: the loss is no longer a number.
        ResumeError: ``folder`` lacks the checkpoint that its record names.
    """
    for name, part in (("train", train), ("validation", validation)):
        if len(np.unique(part.labels)) < 2:  # noqa: PLR2004 - both labels
            raise DataError(f"the {name} split needs both benign and malicious rows")
    folder.mkdir(parents=True, exist_ok=True)
    network = trainee.network
    steps = plan.steps(len(train))
    _compile(network, policy, steps * policy.epochs)
    reports = _resume(network, folder, steps)
    while len(reports) < policy.epochs and not stale(reports, policy):
        number = len(reports)
        total = 0.0
        for done, (inputs, targets, weights) in enumerate(
            trainee.epoch(train, plan, number), start=1
        ):
            total += float(network.train_on_batch(inputs, targets, sample_weight=weights))
            if not math.isfinite(total):
                raise LogitError(
                    f"the loss is {total} in epoch {number + 1}, step {done}; "
                    "give a lower learning rate"
                )
            if progress:
                progress(number * steps + done, policy.epochs * steps, total / done)
        measured = figures(trainee.logits(validation.subjects), validation.labels)
        report = EpochReport(
            epoch=number + 1,
            loss=total / steps,
            area=measured.area,
            detection=measured.detection,
        )
        reports.append(report)
        if best(reports, policy) is report:
            network.save_weights(folder / BEST)
        _checkpoint(network, reports, folder)
        if on_epoch:
            on_epoch(report)
    network.load_weights(folder / BEST)
    return reports


def _compile(network: keras.Model, policy: FitPolicy, steps: int) -> None:
    """Ready the network for ``steps`` steps in all."""
    warm_up = min(policy.warm_up, steps // 10)
    network.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(
                0.0,
                max(1, steps - warm_up),
                warmup_target=policy.learning_rate,
                warmup_steps=warm_up,
            ),
            weight_decay=policy.weight_decay,
        ),
        loss=keras.losses.BinaryCrossentropy(
            from_logits=True, label_smoothing=policy.label_smoothing
        ),
        # TensorFlow's compiler takes no compiled loops (`models.characters.compiled_sums`), and
        # JAX without its own runs a step operation by operation, hundreds of times as slow.
        jit_compile=keras.backend.backend() == "jax",
    )


def _checkpoint(network: keras.Model, reports: list[EpochReport], folder: Path) -> None:
    # Weights first, the record of epochs last and in one step: a crash between the two repeats
    # one epoch, and never skips one.
    network.save_weights(folder / f"epoch-{len(reports)}.weights.h5")
    written = folder / f"{EPOCHS}.part"
    written.write_text(json.dumps([asdict(report) for report in reports], indent=1))
    written.replace(folder / EPOCHS)
    (folder / f"epoch-{len(reports) - 1}.weights.h5").unlink(missing_ok=True)


def _resume(network: keras.Model, folder: Path, steps: int) -> list[EpochReport]:
    record = folder / EPOCHS
    if not record.exists():
        return []
    reports = [
        EpochReport(**{**row, "detection": {float(k): v for k, v in row["detection"].items()}})
        for row in json.loads(record.read_text())
    ]
    # The optimizer's state travels in the same file and needs its variables first.
    network.optimizer.build(network.trainable_variables)
    weights = folder / f"epoch-{len(reports)}.weights.h5"
    if not weights.exists():
        raise ResumeError(f"{weights} is missing; give another work folder to begin anew")
    network.load_weights(weights)
    for layer in network.layers:
        if (generator := getattr(layer, "seed_generator", None)) is not None:
            # A counter that dropout moves on once a step, and that Keras does not save.
            generator.state.assign(generator.state + np.array([0, steps * len(reports)]))
    return reports
