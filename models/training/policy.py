"""How a fit goes, and how it is known which of its epochs was best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FitPolicy:
    """How long and how fast to train.

    Attributes:
        epochs: Passes over the rows; the learning rate falls to nothing over all of them.
        patience: Epochs without a better detection on validation after which to stop.
        learning_rate: Highest rate, reached after ``warm_up`` steps; falls as a cosine.
        warm_up: Steps from 0 to the highest rate; at most a tenth of all steps.
        weight_decay: Decoupled weight decay of AdamW (Loshchilov & Hutter, arXiv 1711.05101).
        label_smoothing: How far targets lie from 0 and 1: a feed's label may be wrong.
        chosen_rate: False-positive rate at which detection on validation picks the best epoch.
            At 0.1 % some 80 of the benign URLs decide (17 of the paths), and the figure moves by
            more from epoch to epoch than it gains.
    """

    epochs: int = 8
    patience: int = 3
    learning_rate: float = 1.5e-3
    warm_up: int = 400
    weight_decay: float = 1e-3
    label_smoothing: float = 0.0
    chosen_rate: float = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochReport:
    """What one epoch gave on validation.

    Attributes:
        epoch: Its number, from 1.
        loss: Mean over its batches, on train.
        area: Under the ROC.
        detection: Share of malicious rows detected, by false-positive rate.
    """

    epoch: int
    loss: float
    area: float
    detection: dict[float, float]


def best(reports: Sequence[EpochReport], policy: FitPolicy) -> EpochReport:
    """The first of the epochs with the best detection, whose weights training ends with."""
    return max(reports, key=lambda report: report.detection[policy.chosen_rate])


def stale(reports: Sequence[EpochReport], policy: FitPolicy) -> bool:
    """Whether the last epochs, as many as the policy is patient, brought nothing better."""
    return bool(reports) and reports[-1].epoch - best(reports, policy).epoch >= policy.patience
