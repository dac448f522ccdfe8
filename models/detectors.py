"""The table of detectors: what each judges, and how its network is made and run.

A detector is a value, not a class. Adding one is a featuriser, a network, and a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shown

import numpy as np
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.engines.contract import Engine
from models.errors import ArtefactError, EngineError
from models.evidence import Explainer
from models.features import Featuriser
from models.url.featuriser import ALPHABET, CharacterFeaturiser

Tensors = Mapping[str, NDArray[np.float32]]
BUNDLED = Path(__file__).parent / "artefacts"
ENGINES = ("keras", "tables")
# Characters of one text that a network may be made to look at.
WIDEST = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """One kind of judge.

    Attributes:
        name: As in ``weir work NAME`` and in verdicts.
        noun: What it judges, in the plural, for people.
        sizes: Reads a network's sizes from a manifest.
        featuriser: Reads a featuriser from a manifest.
        engine: Makes an engine by name.
        explainer: Makes the explainer.
        bundled: Folder of the artefact that comes with the package.
    """

    name: str
    noun: str
    sizes: Callable[[Mapping[str, object]], CharacterConvolutions]
    featuriser: Callable[[Mapping[str, object]], Featuriser]
    engine: Callable[[str, CharacterConvolutions, Tensors, Mapping[str, object]], Engine]
    explainer: Callable[[CharacterConvolutions, Tensors], Explainer]
    bundled: Path


def _character_featuriser(parameters: Mapping[str, object]) -> CharacterFeaturiser:
    width = parameters.get("width")
    if not isinstance(width, int) or isinstance(width, bool) or not 1 <= width <= WIDEST:
        raise ArtefactError(f"featuriser width is not a whole number of 1 to {WIDEST}")
    featuriser = CharacterFeaturiser(width=width)
    if dict(parameters) != featuriser.parameters:
        raise ArtefactError(
            f"featuriser {shown(dict(parameters))} is unknown here; expected kind 'characters' "
            f"with an alphabet of {ALPHABET}"
        )
    return featuriser


def _character_engine(
    name: str,
    sizes: CharacterConvolutions,
    tensors: Tensors,
    featuriser: Mapping[str, object],
) -> Engine:
    # Each engine is imported only when asked for: Keras takes seconds.
    if name == "tables":
        from models.engines.tables import TablesEngine  # noqa: PLC0415

        return TablesEngine(sizes, tensors)
    if name == "keras":
        from models.engines.keras import KerasEngine  # noqa: PLC0415

        return KerasEngine(sizes, tensors, width=_character_featuriser(featuriser).width)
    raise EngineError(f"engine '{name}' is unknown; give one of {', '.join(ENGINES)}")


def _character_explainer(sizes: CharacterConvolutions, tensors: Tensors) -> Explainer:
    from models.characters.explainer import CharacterExplainer  # noqa: PLC0415

    return CharacterExplainer(sizes, tensors)


URL = Detector(
    name="url",
    noun="URLs",
    sizes=CharacterConvolutions.from_parameters,
    featuriser=_character_featuriser,
    engine=_character_engine,
    explainer=_character_explainer,
    bundled=BUNDLED / "url" / "1",
)

DETECTORS = {detector.name: detector for detector in (URL,)}
