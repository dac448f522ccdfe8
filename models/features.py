"""What every featuriser gives and every engine takes: a batch of texts as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """n texts, ready for a network.

    Attributes:
        codes: uint8[n, width]; each row the codes of one text's first characters, then padding
            (code 0, which is no character's).
        seen: int32[n], how many characters of the text the network sees (at most width).
        lengths: int64[n], how many characters the text has; more than ``seen`` when it was cut.
    """

    codes: NDArray[np.uint8]
    seen: NDArray[np.int32]
    lengths: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.codes.shape[0])

    def rows(self, index: NDArray[np.int64] | slice) -> Features:
        """The features of some of the rows."""
        return Features(codes=self.codes[index], seen=self.seen[index], lengths=self.lengths[index])


class Featuriser(Protocol):
    """Turns a batch of texts into features; the same for training and for serving."""

    @property
    def parameters(self) -> dict[str, int | str]:
        """What the artefact's manifest records, so that serving rebuilds the same featuriser."""
        ...

    def __call__(self, texts: Sequence[str]) -> Features:
        """Featurise n texts at once."""
        ...
