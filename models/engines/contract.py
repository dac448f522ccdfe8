"""What turns features into logits. Implementations pass one suite (`tests/contracts`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

# Engines add up some hundred thousand float32 products in different orders, which was seen to
# differ by 1e-5 at logits of 10.
TOLERANCE: Final = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineDescription:
    """What an engine says of itself, for logs and metrics.

    Attributes:
        engine: Its name.
        device: ``cpu``, ``gpu`` or ``tpu``.
        library: What computes: kind of numbers, threads, libraries with versions.
        tolerance: Largest difference to a golden logit that is none.
    """

    engine: str
    device: str
    library: str
    tolerance: float = TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """How an engine is to compute. Each takes what concerns it.

    Attributes:
        threads: Threads that compute on a CPU; 0 for one a core, a few at most.
        memory_mb: Memory of a GPU to take at most; 0 for what is needed.
        precision: What a GPU multiplies in: ``float32``; ``tf32``, with ten bits of mantissa; or
            ``bfloat16``, with seven.
        thresholds: Logits at which labels change, for engines that are less exact elsewhere.
        known: Features of subjects that the model is known to judge well, for engines that find
            out how exact they are; None for none.
    """

    threads: int = 0
    memory_mb: int = 0
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    thresholds: tuple[float, ...] = ()
    known: Any = None


class Engine(Protocol):
    """Evaluates one set of weights. Threads share one only if its class says that they may."""

    def warm(self, rows: int) -> None:
        """Compile whatever batches of up to ``rows`` texts need, so that none waits for it."""
        ...

    def logits(self, features: Any) -> NDArray[np.float32]:
        """Logits of n subjects, featurised by the detector's featuriser: float32[n].

        The same for a subject whatever its batch, up to rounding.

        Lets go of the interpreter lock while it computes.
        """
        ...

    def describe(self) -> EngineDescription:
        """What runs, and on what."""
        ...


@runtime_checkable
class Tracing(Protocol):
    """What an engine is besides, which can hand on what its explainer would compute once more."""

    def traced(self, features: Any) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Logits float32[n], and as uint8[n, k] what `models.evidence.Explainer` takes of them."""
        ...


@runtime_checkable
class Approximate(Protocol):
    """What an engine is besides, whose logits may be off where that changes no label."""

    @property
    def exact(self) -> Engine:
        """What computes those that may not be off. Of the same weights, for the same thread."""
        ...
