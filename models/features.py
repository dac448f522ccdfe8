"""What every featuriser gives and every engine takes: a batch of subjects as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray


class Features(Protocol):
    """n subjects, ready for a network. Beyond these columns each detector has its own."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """int64[n], units that each subject has: code points of a text, bytes of a page."""
        ...

    @property
    def read(self) -> NDArray[np.int64]:
        """int64[n], units that were looked at; fewer than ``lengths`` when the subject was cut."""
        ...

    @property
    def silent(self) -> NDArray[np.bool_] | None:
        """bool[n], subjects that say nothing either way, such as an IP address and nothing else.

        They are never labelled above benign. None: there are none.
        """
        ...

    def __len__(self) -> int: ...

    def tokens(self) -> NDArray[np.int64]:
        """How often each token that a network may look at occurs in them, by its number."""
        ...

    def rows(self, index: NDArray[np.int64] | slice) -> Self:
        """The features of some of the subjects."""
        ...


class Featuriser(Protocol):
    """Turns a batch of subjects into features; the same for training and for serving."""

    @property
    def parameters(self) -> Mapping[str, int | str]:
        """What the artefact's manifest records, so that serving rebuilds the same featuriser."""
        ...

    def __call__(self, subjects: Sequence[Any], /) -> Features:
        """Featurise n subjects, texts or pages, at once."""
        ...
