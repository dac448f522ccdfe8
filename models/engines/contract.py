"""What turns features into logits. Implementations pass one suite (`tests/contracts`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineDescription:
    """What an engine says of itself, for logs and metrics."""

    engine: str
    device: str
    library: str


class Engine(Protocol):
    """Evaluates one set of weights. Not to be shared between threads."""

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
