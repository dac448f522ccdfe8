"""A network beside other methods, on the same rows and by the same rule for thresholds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.training.baselines.contract import Baseline
from models.training.evaluation import Evaluation, evaluate, kinds
from models.training.thresholds import benign_kinds, choose


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """n labelled rows.

    Attributes:
        subjects: n texts, or pages.
        labels: int8[n], 0 benign, 1 malicious.
        sources: n names, "" where unknown.
    """

    subjects: Sequence[Any] = field(repr=False)
    labels: NDArray[np.int8]
    sources: Sequence[str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Another method, measured.

    Attributes:
        name: Of the method.
        seconds: That fitting took; None where it was not fitted here.
        logits: float32[n] of the rows measured on.
        evaluation: Of those rows, at thresholds chosen on validation as the network's are.
    """

    name: str
    seconds: float | None
    logits: NDArray[np.float32] = field(repr=False)
    evaluation: Evaluation

    def as_json(self) -> dict[str, object]:
        """For reports: all rows and kinds, not logits."""
        told = self.evaluation.as_json()
        return {
            "name": self.name,
            "seconds": self.seconds,
            "all": told["all"],
            "kinds": told["kinds"],
        }


def fit_and_measure(baseline: Baseline, train: Rows, validation: Rows, test: Rows) -> Rival:
    """Fit a baseline, choose its thresholds, and measure it.

    Args:
        baseline: Not yet fitted.
        train: Rows to learn from.
        validation: Rows to choose thresholds on.
        test: Rows to measure on.

    Raises:
        DataError: validation has no benign rows.
    """
    began = time.monotonic()
    baseline.fit(train.subjects, train.labels)
    seconds = time.monotonic() - began
    return measure_rival(
        baseline.name,
        baseline.logits(validation.subjects),
        baseline.logits(test.subjects),
        validation=validation,
        test=test,
        seconds=seconds,
    )


def measure_rival(
    name: str,
    validation_logits: NDArray[np.float32],
    test_logits: NDArray[np.float32],
    *,
    validation: Rows,
    test: Rows,
    seconds: float | None = None,
) -> Rival:
    """Measure a method by its logits, such as a network that was trained elsewhere.

    Args:
        name: Of the method.
        validation_logits: float32[n] of the rows to choose thresholds on.
        test_logits: float32[m] of the rows to measure on.
        validation: The n rows.
        test: The m rows.
        seconds: That fitting took.

    Raises:
        DataError: validation has no benign rows.
    """
    benign = benign_kinds(validation_logits, validation.labels, kinds(validation.sources))
    chosen = choose(benign).thresholds
    return Rival(
        name=name,
        seconds=seconds,
        logits=test_logits,
        evaluation=evaluate(test_logits, test.labels, test.sources, chosen),
    )
