"""How the URL network is trained."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions, without_grams
from models.characters.trainee import CharacterTrainee
from models.training.batches import BatchPlan
from models.training.data import Columns, Labelled
from models.training.golden import golden_texts
from models.training.policy import FitPolicy
from models.training.recipe import Recipe
from models.url.augmentation import with_additions
from models.url.changes import ADDITIONS, MEANINGLESS
from models.url.featuriser import UrlFeaturiser
from models.url.invention import invent
from models.url.network import PLAIN, SIZES, WIDTH
from models.url.normaliser import spelled

# Rows of static files in telemetry: three quarters of it, and all alike. At a half they are no
# more than the rest of the harmless rows.
STATIC_WEIGHT = 0.5
_STATIC = re.compile(
    r"\.(?:avif|css|gif|ico|jpe?g|js|json|m3u8|mp4|png|svg|ts|ttf|webp|woff2?)(?:[?#]|$)",
    re.IGNORECASE,
)


def trainee(sizes: CharacterConvolutions, featuriser: UrlFeaturiser, seed: int) -> CharacterTrainee:
    """A network to train on URLs."""
    return CharacterTrainee(sizes, featuriser, augment=with_additions, weigh=weights, seed=seed)


def plain_trainee(
    sizes: CharacterConvolutions, featuriser: UrlFeaturiser, seed: int
) -> CharacterTrainee:
    """The paper's network, on the rows as they are."""
    return CharacterTrainee(sizes, featuriser, seed=seed)


def weights(rows: Labelled) -> NDArray[np.float32]:
    """Weight of each row in the loss: float32[n]."""
    static = [
        label == 0 and source.startswith("telemetry:") and bool(_STATIC.search(text))
        for text, label, source in zip(
            rows.subjects, rows.labels.tolist(), rows.sources, strict=True
        )
    ]
    return np.where(static, STATIC_WEIGHT, 1.0).astype(np.float32)


VARIANTS: Mapping[str, Callable[[Recipe], Recipe]] = {
    "without n-grams": lambda own: replace(own, sizes=without_grams(SIZES)),
    "dense layers of 1,024": lambda own: replace(own, sizes=replace(SIZES, dense=(1024, 1024))),
    "100 characters": lambda own: replace(own, featuriser=UrlFeaturiser(width=100)),
    "rows as they are, all of one weight": lambda own: replace(own, trainee=plain_trainee),
    "labels smoothed by 0.05": lambda own: replace(
        own, policy=replace(own.policy, label_smoothing=0.05)
    ),
}
RECIPE = Recipe(
    sizes=SIZES,
    featuriser=UrlFeaturiser(width=WIDTH),
    policy=FitPolicy(),
    plan=BatchPlan(),
    trainee=trainee,
    golden=lambda featuriser: golden_texts(featuriser.width),
    columns=Columns(group="domain"),
    additions=ADDITIONS,
    changes=MEANINGLESS,
    invent=invent,
    spell=spelled,
    plain=PLAIN,
    plain_trainee=plain_trainee,
    variants=VARIANTS,
)
