"""The character network in training, whatever texts it judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.characters.codes import CharacterCodes
from models.characters.network import build
from models.characters.trainable import fold, trainable
from models.training.batches import BatchPlan
from models.training.data import Labelled
from models.training.recipe import Batch

# Rows whose codes are laid out at once for scoring.
SCORING_ROWS = 4096

Augment = Callable[[NDArray[np.uint8], NDArray[np.int32], np.random.Generator], NDArray[np.uint8]]
"""Codes uint8[n, width] of a batch and how many each row has, as training shows them."""


class CharacterFeaturiser(Protocol):
    """A featuriser of texts."""

    def __call__(self, texts: Sequence[str], /) -> CharacterCodes:
        """Featurise n texts."""
        ...


class CharacterTrainee:
    """One network and what it is shown.

    Args:
        sizes: Of the network.
        featuriser: Of its texts.
        augment: Changes a batch in ways that carry no meaning; None for none.
        gram_share: Share of the n-grams that a step looks at.
    """

    def __init__(
        self,
        sizes: CharacterConvolutions,
        featuriser: CharacterFeaturiser,
        *,
        augment: Augment | None = None,
        gram_share: float = 0.5,
        seed: int = 0,
    ) -> None:
        keras.utils.set_random_seed(seed)
        self._sizes = sizes
        self._featuriser = featuriser
        self._augment = augment
        self._served = build(sizes)
        self.network = trainable(self._served, sizes, gram_share=gram_share, seed=seed)
        self._rows: Labelled | None = None
        self._features: CharacterCodes | None = None

    def epoch(self, rows: Labelled, plan: BatchPlan, number: int) -> Iterator[Batch]:
        """Batches of one epoch."""
        if self._rows is not rows or self._features is None:
            self._rows, self._features = rows, self._featuriser(rows.subjects)
        for some, generator in plan.epoch(len(rows), number):
            codes = self._features.codes[some]
            if self._augment:
                codes = self._augment(codes, self._features.seen[some], generator)
            yield codes.astype(np.int32), rows.targets[some, None], np.ones(len(some), np.float32)

    def logits(self, subjects: Sequence[str]) -> NDArray[np.float32]:
        """Logits float32[n] of n texts."""
        given = np.empty(len(subjects), np.float32)
        for start in range(0, len(subjects), SCORING_ROWS):
            some = slice(start, start + SCORING_ROWS)
            codes = self._featuriser(subjects[some]).codes.astype(np.int32)
            given[some] = self.network.predict_on_batch(codes)[:, 0]
        return given

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """The weights of the served network."""
        tensors = {v.path: np.asarray(v, np.float32) for v in self._served.weights}
        return fold(tensors, self.network, self._sizes)
