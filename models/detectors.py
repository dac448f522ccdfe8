"""The table of detectors: what each judges, and how its network is made and run.

A detector is a value, not a class. Adding one is a featuriser, a network, and a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.engines.contract import Engine, EngineOptions
from models.errors import EngineError
from models.evidence import Explainer
from models.features import Featuriser
from models.html.architecture import InspectorSizes
from models.html.featuriser import PageFeaturiser
from models.path.featuriser import PathFeaturiser
from models.sizes import Sizes
from models.url.cased_featuriser import KIND as CASED
from models.url.cased_featuriser import CasedFeaturiser
from models.url.featuriser import UrlFeaturiser

Tensors = Mapping[str, NDArray[np.float32]]
BUNDLED = Path(__file__).parent / "artefacts"
ENGINES = ("keras", "tables", "tables-int8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A kind of network: its sizes, and what runs and explains it.

    Attributes:
        sizes: Reads a network's sizes from a manifest.
        engines: Where each engine's class is, "module:class", by the engine's name. Each is
            imported only when asked for: Keras takes seconds.
        explainer: Where the explainer's class is.
    """

    sizes: Callable[[Mapping[str, object]], Sizes]
    engines: Mapping[str, str]
    explainer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """One kind of judge.

    Attributes:
        name: As in ``weir work NAME`` and in verdicts.
        noun: What it judges, in the plural, for people.
        subject: Whether that is texts (str) or pages (bytes).
        family: Its kind of network.
        featuriser: Reads a featuriser from a manifest.
        recipe: Where its training recipe is, "module:name" (`models.training.recipe`).
        bundled: Folder of the artefact that comes with the package.
    """

    name: str
    noun: str
    subject: Literal["text", "page"]
    family: Family
    featuriser: Callable[[Mapping[str, object]], Featuriser]
    recipe: str
    bundled: Path

    def engine(
        self,
        name: str,
        sizes: Sizes,
        tensors: Tensors,
        featuriser: Featuriser,
        options: EngineOptions | None = None,
    ) -> Engine:
        """Make an engine by its name.

        Args:
            name: Of the engine.
            sizes: Of the network.
            tensors: Its weights, float32.
            featuriser: Of its subjects.
            options: How it is to compute.

        Raises:
            EngineError: unknown engine, or one that cannot run here.
        """
        if name not in self.family.engines:
            raise EngineError(
                f"engine '{name}' is unknown; give one of {', '.join(self.family.engines)}"
            )
        engine: Engine = named(self.family.engines[name])(sizes, tensors, featuriser, options)
        return engine

    def explainer(self, sizes: Sizes, tensors: Tensors) -> Explainer:
        """Make the explainer."""
        explainer: Explainer = named(self.family.explainer)(sizes, tensors)
        return explainer


def named(place: str) -> Any:
    """Import what "module:name" names."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


CHARACTERS = Family(
    sizes=CharacterConvolutions.from_parameters,
    engines={
        "keras": "models.engines.keras:KerasEngine",
        "tables": "models.engines.tables:TablesEngine",
        "tables-int8": "models.engines.tables_int8:TablesInt8Engine",
    },
    explainer="models.characters.explainer:CharacterExplainer",
)
PAGES = Family(
    sizes=InspectorSizes.from_parameters,
    engines={
        "keras": "models.html.keras:PagesKerasEngine",
        "tables": "models.html.tables:PagesTablesEngine",
    },
    explainer="models.html.explainer:PageExplainer",
)


def _url_featuriser(parameters: Mapping[str, object]) -> Featuriser:
    """The one of today, or the one that models of format 1 were trained with."""
    if parameters.get("kind") == CASED:
        return CasedFeaturiser.from_parameters(parameters)
    return UrlFeaturiser.from_parameters(parameters)


URL = Detector(
    name="url",
    noun="URLs",
    subject="text",
    family=CHARACTERS,
    featuriser=_url_featuriser,
    recipe="models.url.recipe:RECIPE",
    bundled=BUNDLED / "url" / "3",
)
HTML = Detector(
    name="html",
    noun="HTML pages",
    subject="page",
    family=PAGES,
    featuriser=PageFeaturiser.from_parameters,
    recipe="models.html.recipe:RECIPE",
    bundled=BUNDLED / "html" / "1",
)
PATH = Detector(
    name="path",
    noun="file paths and registry keys",
    subject="text",
    family=CHARACTERS,
    featuriser=PathFeaturiser.from_parameters,
    recipe="models.path.recipe:RECIPE",
    bundled=BUNDLED / "path" / "1",
)

DETECTORS = {detector.name: detector for detector in (URL, HTML, PATH)}
