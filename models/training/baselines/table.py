"""Which baselines a detector is compared with."""

from __future__ import annotations

from models.training.baselines.boosting import BoostedFeatures
from models.training.baselines.contract import Baseline
from models.training.baselines.ngrams import CharacterNgrams
from models.training.baselines.page_features import PAGE_FEATURES
from models.training.baselines.path_features import PATH_FEATURES
from models.training.baselines.tokens import PageTokens
from models.training.baselines.url_features import URL_FEATURES


def baselines_of(detector: str, seed: int = 0) -> tuple[Baseline, ...]:
    """New baselines for the detector of that name, not yet fitted; none for an unknown one.

    A network as a baseline (the plain one of the talk) is not among them: it is trained as the
    detector's own is.
    """
    known: dict[str, tuple[Baseline, ...]] = {
        "url": (
            CharacterNgrams(seed=seed),
            BoostedFeatures(features=URL_FEATURES, seed=seed),
        ),
        "path": (
            CharacterNgrams(seed=seed),
            BoostedFeatures(features=PATH_FEATURES, seed=seed),
        ),
        "html": (
            PageTokens(),
            BoostedFeatures(features=PAGE_FEATURES, seed=seed),
        ),
    }
    return known.get(detector, ())
