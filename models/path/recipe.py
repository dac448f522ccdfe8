"""How the network of file paths and registry keys is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from models.characters.architecture import CharacterConvolutions, without_grams
from models.characters.trainee import CharacterTrainee
from models.path.alphabet import spelled
from models.path.featuriser import PathFeaturiser
from models.path.golden import golden_paths
from models.path.invention import invent
from models.path.network import PLAIN, SIZES, WIDTH
from models.training.batches import BatchPlan
from models.training.data import Columns, Labelled
from models.training.policy import FitPolicy
from models.training.recipe import Recipe


def trainee(
    sizes: CharacterConvolutions, featuriser: PathFeaturiser, seed: int
) -> CharacterTrainee:
    """A network to train on paths and keys."""
    return CharacterTrainee(sizes, featuriser, seed=seed)


def set_apart(rows: Labelled) -> Mapping[str, Sequence[str]]:
    """Files and keys apart, what was seen apart from what was made up, and rows alike in form."""
    given = rows.apart
    observed = [
        "made up" if value.lower() == "true" else "observed" for value in given["synthetic"]
    ]
    return {
        "kind": given["kind"],
        "rows": observed,
        "observed": [
            kind if seen == "observed" else ""
            for kind, seen in zip(given["kind"], observed, strict=True)
        ],
        "matched": ["yes" if value.lower() == "true" else "" for value in given["matched"]],
    }


VARIANTS: Mapping[str, Callable[[Recipe], Recipe]] = {
    "without n-grams": lambda own: replace(own, sizes=without_grams(SIZES)),
    "dense layers of 1,024": lambda own: replace(own, sizes=replace(SIZES, dense=(1024, 1024))),
    "labels smoothed by 0.05": lambda own: replace(
        own, policy=replace(own.policy, label_smoothing=0.05)
    ),
}
RECIPE = Recipe(
    sizes=SIZES,
    featuriser=PathFeaturiser(width=WIDTH),
    policy=FitPolicy(epochs=8, patience=8),
    plan=BatchPlan(size=512),
    trainee=trainee,
    golden=lambda featuriser: golden_paths(featuriser.width),
    columns=Columns(date=None, apart=("kind", "synthetic", "matched")),
    set_apart=set_apart,
    invent=invent,
    spell=spelled,
    plain=PLAIN,
    variants=VARIANTS,
)
