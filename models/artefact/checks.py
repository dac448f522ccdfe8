"""Lets every engine that runs here judge an artefact's golden texts."""

from __future__ import annotations

from dataclasses import dataclass

from models.artefact.artefact import Artefact
from models.engines.choice import APPROXIMATE
from models.errors import EngineError


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCheck:
    """What an engine made of the golden texts.

    Attributes:
        engine: Its name.
        difference: Largest to a golden logit; None where the engine failed or cannot run.
        available: Whether the engine runs here at all, and for these weights.
        problem: What is wrong, "" if nothing.
    """

    engine: str
    difference: float | None
    available: bool
    problem: str

    @property
    def failed(self) -> bool:
        """Whether the engine runs and disagrees."""
        return self.available and self.difference is None


def verify(artefact: Artefact) -> list[EngineCheck]:
    """Check a loaded artefact on every engine."""
    return [_check(artefact, name) for name in artefact.detector.family.engines]


def _check(artefact: Artefact, name: str) -> EngineCheck:
    try:
        engine = artefact.unchecked_engine(name)
    except EngineError as error:
        return EngineCheck(engine=name, difference=None, available=False, problem=str(error))
    try:
        difference = artefact.check_golden(engine)
    except EngineError as error:
        # Weights for which bytes are too coarse are as they should be: they do without.
        return EngineCheck(
            engine=name,
            difference=None,
            available=name not in APPROXIMATE,
            problem=str(error),
        )
    return EngineCheck(engine=name, difference=difference, available=True, problem="")
