"""Gradient-boosted trees on hand-made features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier


@dataclass(frozen=True, slots=True, kw_only=True)
class HandMade:
    """Hand-made features.

    Attributes:
        names: k names.
        classes: Those of the names that are classes (0 to 254), without order.
        row: The k numbers of one text, or page.
    """

    names: tuple[str, ...]
    classes: frozenset[str]
    row: Callable[[Any], Sequence[float]]

    def __call__(self, subjects: Sequence[Any]) -> NDArray[np.float32]:
        """float32[n, k] of n texts, or pages."""
        found = np.empty((len(subjects), len(self.names)), np.float32)
        for number, subject in enumerate(subjects):
            found[number] = self.row(subject)
        return found


@dataclass(slots=True, kw_only=True)
class BoostedFeatures:
    """Histogram-based gradient boosting (as LightGBM has it) of hand-made features.

    Attributes:
        features: What it sees.
        trees: As many.
        seed: Of the sample that bins are chosen by.
    """

    features: HandMade
    trees: int = 200
    seed: int = 0
    _model: HistGradientBoostingClassifier = field(init=False, repr=False)

    @property
    def name(self) -> str:
        """For tables and pictures."""
        return f"{len(self.features.names)} hand-made features, gradient boosting"

    def fit(self, subjects: Sequence[Any], labels: NDArray[np.int8]) -> None:
        """Learn from n texts, or pages, and labels int8[n]."""
        self._model = HistGradientBoostingClassifier(
            max_iter=self.trees,
            max_leaf_nodes=63,
            early_stopping=False,
            categorical_features=[name in self.features.classes for name in self.features.names],
            random_state=self.seed,
        )
        self._model.fit(self.features(subjects), labels)

    def logits(self, subjects: Sequence[Any]) -> NDArray[np.float32]:
        """Logits float32[n] of n texts, or pages."""
        if not len(subjects):
            return np.empty(0, np.float32)
        judged: NDArray[np.float64] = self._model.decision_function(self.features(subjects))
        return judged.astype(np.float32)
