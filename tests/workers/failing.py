"""Models that fail on what they are told to: real artefacts with a part wrapped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.artefact import Artefact
from models.characters.explainer import CharacterExplainer
from models.engines.contract import EngineDescription, Tracing
from models.evidence import Span, Spans
from models.features import Features, Featuriser

POISON = "http://poison.example/"
"""A URL that the wrapped parts below fail on."""


class Engine:
    """The artefact's engine, behind whatever a test wants to happen first."""

    NAME = "tables"

    def __init__(self, artefact: Artefact, before: Callable[[Features], None]) -> None:
        self._engine = artefact.engine(self.NAME)
        self._before = before

    def warm(self, rows: int) -> None:
        pass

    def logits(self, features: Features) -> NDArray[np.float32]:
        self._before(features)
        return self._engine.logits(features)

    def describe(self) -> EngineDescription:
        return self._engine.describe()


class TracingEngine(Engine):
    """One that hands on what it has found out."""

    NAME = "tables-int8"

    def traced(self, features: Features) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        assert isinstance(self._engine, Tracing)
        self._before(features)
        return self._engine.traced(features)


def raising_on(
    artefact: Artefact, subjects: Sequence[str | bytes], error: Exception
) -> Callable[[Features], None]:
    """What raises whenever one of the subjects is among the features."""
    marks = {_mark(artefact.featuriser()([subject]), 0) for subject in subjects}

    def before(features: Features) -> None:
        if any(_mark(features, row) in marks for row in range(len(features))):
            raise error

    return before


def _mark(features: Features, row: int) -> bytes:
    (some,) = (getattr(features, name) for name in ("codes", "counts") if hasattr(features, name))
    return bytes(np.ascontiguousarray(some[row]).tobytes())


class PoisonedFeaturiser:
    """Raises on `POISON` in a batch."""

    def __init__(self, featuriser: Featuriser) -> None:
        self._featuriser = featuriser

    @property
    def parameters(self) -> Mapping[str, int | str]:
        return self._featuriser.parameters

    def __call__(self, subjects: Sequence[Any], /) -> Features:
        if POISON in subjects:
            raise ValueError("a subject of no known kind")
        return self._featuriser(subjects)


def with_poisoned_featuriser(artefact: Artefact) -> Artefact:
    def featuriser(parameters: Mapping[str, object]) -> Featuriser:
        return PoisonedFeaturiser(artefact.detector.featuriser(parameters))

    return replace(artefact, detector=replace(artefact.detector, featuriser=featuriser))


class RaisingExplainer(CharacterExplainer):
    """Raises on texts of `LENGTH` characters."""

    LENGTH = 41

    def explain(self, features: Any, most: int, traced: NDArray[np.uint8] | None = None) -> Spans:
        if (features.lengths == self.LENGTH).any():
            raise ZeroDivisionError("division by zero")
        return super().explain(features, most, traced)


class NotANumberExplainer(RaisingExplainer):
    """Gives such texts a weight that is no number."""

    def explain(self, features: Any, most: int, traced: NDArray[np.uint8] | None = None) -> Spans:
        spans = list(CharacterExplainer.explain(self, features, most, traced))
        for row in np.flatnonzero(features.lengths == self.LENGTH).tolist():
            spans[row] = [Span(0, 1, float("nan"))]
        return Spans.of_rows(spans)


def with_explainer(artefact: Artefact, explainer: type[RaisingExplainer]) -> Artefact:
    family = replace(
        artefact.detector.family, explainer=f"{explainer.__module__}:{explainer.__qualname__}"
    )
    return replace(artefact, detector=replace(artefact.detector, family=family))
