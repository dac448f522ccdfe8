"""What sizes of a network tell, whichever network it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Sizes(Protocol):
    """Sizes of one network, as data: what the manifest records and every engine reads."""

    @property
    def parameters(self) -> Mapping[str, object]:
        """What the manifest records."""
        ...

    @property
    def weights(self) -> int:
        """How many numbers the artefact stores."""
        ...

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of large tables of small vectors, which may be stored in int8."""
        ...

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every tensor that the artefact stores."""
        ...
