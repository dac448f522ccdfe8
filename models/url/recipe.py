"""How the URL network is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from models.characters.architecture import CharacterConvolutions, without_grams
from models.characters.trainee import CharacterTrainee
from models.training.batches import BatchPlan
from models.training.data import Columns
from models.training.golden import golden_texts
from models.training.policy import FitPolicy
from models.training.recipe import Recipe
from models.url.augmentation import with_additions
from models.url.changes import ADDITIONS, MEANINGLESS
from models.url.featuriser import UrlFeaturiser
from models.url.invention import invent
from models.url.network import PLAIN, SIZES, WIDTH
from models.url.normaliser import spelled


def trainee(sizes: CharacterConvolutions, featuriser: UrlFeaturiser, seed: int) -> CharacterTrainee:
    """A network to train on URLs."""
    return CharacterTrainee(sizes, featuriser, augment=with_additions, seed=seed)


def plain_trainee(
    sizes: CharacterConvolutions, featuriser: UrlFeaturiser, seed: int
) -> CharacterTrainee:
    """The paper's network, on the rows as they are."""
    return CharacterTrainee(sizes, featuriser, seed=seed)


VARIANTS: Mapping[str, Callable[[Recipe], Recipe]] = {
    "without n-grams": lambda own: replace(own, sizes=without_grams(SIZES)),
    "dense layers of 1,024": lambda own: replace(own, sizes=replace(SIZES, dense=(1024, 1024))),
    "100 characters": lambda own: replace(own, featuriser=UrlFeaturiser(width=100)),
    "nothing added to rows": lambda own: replace(own, trainee=plain_trainee),
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
