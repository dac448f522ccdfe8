"""Fits a network to labelled texts: checkpoints, resume, early stopping, a seed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from models.characters.codes import CharacterCodes
from models.errors import DataError, LogitError, ResumeError
from models.training.batches import BatchPlan, padded_width
from models.training.metrics import figures
from models.training.policy import EpochReport, FitPolicy, best, stale
from models.training.work_folder import BEST, EPOCHS

SCORING_ROWS = 2048


Progress = Callable[[int, int, float], None]
"""Called as (steps done, steps in all, mean loss of the epoch so far)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Features and labels int8[n] of one split."""

    features: CharacterCodes
    labels: NDArray[np.int8]


def fit(
    network: keras.Model,
    train: Examples,
    validation: Examples,
    *,
    policy: FitPolicy,
    plan: BatchPlan,
    folder: Path,
    progress: Progress | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> list[EpochReport]:
    """Train ``network`` in place; it ends with the weights of its best epoch.

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
    steps = plan.steps(len(train.labels))
    _compile(network, policy, steps * policy.epochs)
    reports = _resume(network, folder, steps)
    while len(reports) < policy.epochs and not stale(reports, policy):
        number = len(reports)
        total = 0.0
        for done, (codes, labels) in enumerate(
            plan.epoch(train.features, train.labels, number), start=1
        ):
            total += float(network.train_on_batch(codes, labels))
            if not math.isfinite(total):
                raise LogitError(
                    f"the loss is {total} in epoch {number + 1}, step {done}; "
                    "give a lower learning rate"
                )
            if progress:
                progress(number * steps + done, policy.epochs * steps, total / done)
        measured = figures(logits(network, validation.features), validation.labels)
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


def logits(network: keras.Model, features: CharacterCodes) -> NDArray[np.float32]:
    """Logits float32[n] of featurised texts, in batches of like length."""
    given = np.empty(len(features), np.float32)
    order = np.argsort(features.seen, kind="stable")
    for start in range(0, len(order), SCORING_ROWS):
        rows = order[start : start + SCORING_ROWS]
        width = padded_width(int(features.seen[rows].max()), features.codes.shape[1])
        given[rows] = network.predict_on_batch(features.codes[rows, :width].astype(np.int32))[:, 0]
    return given


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
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        jit_compile=False,
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
