"""The pictures that every model has, from its figures alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.thresholds import Thresholds
from models.training.calibration import Reliability
from models.training.pictures import calibration, histogram, learning, roc
from models.training.pictures.style import Picture, save
from models.training.policy import EpochReport


def draw(
    folder: Path,
    *,
    logits: NDArray[np.float32],
    labels: NDArray[np.int8],
    rivals: Mapping[str, NDArray[np.float32]],
    thresholds: Thresholds,
    scores: Reliability | None,
    epochs: Sequence[EpochReport],
    chosen: int | None = None,
) -> tuple[Picture, ...]:
    """Write ROC, histogram, calibration and learning curve, as far as there is something to draw.

    Args:
        folder: Made if it is missing.
        logits: float32[n] of the rows measured on.
        labels: int8[n].
        rivals: Logits float32[n] by name of the method.
        thresholds: Published ones.
        scores: How far scores are off.
        epochs: One report an epoch.
        chosen: Number of the epoch whose weights were kept.
    """
    drawn = []
    if labels.any() and not labels.all():
        figure = roc.roc(labels, logits, rivals, thresholds)
        drawn.append(save(figure, folder, roc.PICTURE))
    if len(labels):
        fitted = scores.calibration if scores else None
        figure = histogram.histogram(logits, labels, thresholds, fitted)
        drawn.append(save(figure, folder, histogram.PICTURE))
    if scores:
        figure = calibration.calibration_curve(scores)
        drawn.append(save(figure, folder, calibration.PICTURE))
    if epochs:
        figure = learning.learning_curve(
            [report.epoch for report in epochs],
            [report.loss for report in epochs],
            [report.area for report in epochs],
            {rate: [report.detection[rate] for report in epochs] for rate in epochs[0].detection},
            chosen=chosen,
        )
        drawn.append(save(figure, folder, learning.PICTURE))
    return tuple(drawn)
