"""How the network of HTML pages is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import keras
import numpy as np
from numpy.typing import NDArray

from models.html.architecture import InspectorSizes
from models.html.featuriser import PageFeaturiser
from models.html.golden import golden_pages
from models.html.network import build
from models.html.training import CroppedPages, CropPlan, logits
from models.training.batches import BatchPlan
from models.training.data import Columns, Labelled
from models.training.matching import length_matched
from models.training.policy import FitPolicy
from models.training.recipe import Batch, Recipe

SIZES = InspectorSizes()
PAPER = InspectorSizes(inspector=(1024, 1024), master=(1024, 1024))
# Pages that are featurised at once for scoring.
_SCORING_ROWS = 256


class PageTrainee:
    """One inspector network and the crops that it is shown.

    Args:
        sizes: Of the network.
        featuriser: Of whole pages.
        seed: Of the initial weights.
    """

    def __init__(self, sizes: InspectorSizes, featuriser: PageFeaturiser, seed: int) -> None:
        keras.utils.set_random_seed(seed)
        self._featuriser = featuriser
        self.network = build(sizes)
        self._rows: Labelled | None = None
        self._pages: CroppedPages | None = None

    def epoch(self, rows: Labelled, plan: BatchPlan, number: int) -> Iterator[Batch]:
        """Batches of one epoch."""
        if self._pages is None or self._rows is not rows:
            self._rows = rows
            crops = CropPlan(size=plan.size, seed=plan.seed)
            self._pages = CroppedPages(rows.subjects, rows.labels, plan=crops, targets=rows.targets)
        for counts, targets in self._pages.epoch(number):
            yield counts, targets, np.ones(len(targets), np.float32)

    def logits(self, subjects: Sequence[bytes]) -> NDArray[np.float32]:
        """Logits float32[n] of n whole pages."""
        given = np.empty(len(subjects), np.float32)
        for start in range(0, len(subjects), _SCORING_ROWS):
            some = slice(start, start + _SCORING_ROWS)
            given[some] = logits(self.network, self._featuriser(subjects[some]))
        return given

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """The weights."""
        return {v.path: np.asarray(v, np.float32) for v in self.network.weights}


def set_apart(rows: Labelled) -> Mapping[str, Sequence[str]]:
    """Pages of like length in both labels; those alike in simple structure."""
    lengths = np.fromiter(map(len, rows.subjects), np.int64, len(rows))
    kept = length_matched(lengths, rows.labels)
    return {
        "length-matched": np.where(kept, "yes", "").tolist(),
        "matched": ["yes" if value.lower() == "true" else "" for value in rows.apart["matched"]],
    }


VARIANTS: Mapping[str, Callable[[Recipe], Recipe]] = {
    "the widths of the paper": lambda own: replace(own, sizes=PAPER),
    "an inspector of one layer": lambda own: replace(
        own, sizes=InspectorSizes(inspector=(256,), master=(256,))
    ),
    "labels smoothed by 0.05": lambda own: replace(
        own, policy=replace(own.policy, label_smoothing=0.05)
    ),
}
RECIPE = Recipe(
    sizes=SIZES,
    featuriser=PageFeaturiser(),
    policy=FitPolicy(epochs=10, patience=10, learning_rate=1e-3),
    plan=BatchPlan(size=128),
    trainee=PageTrainee,
    golden=golden_pages,
    columns=Columns(text="html", date="date", apart=("matched",)),
    set_apart=set_apart,
    variants=VARIANTS,
)
