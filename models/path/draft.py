"""Normal forms in the making, for compiled loops."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled


class Draft(NamedTuple):
    """The normal form of one text, as far as it is written.

    Attributes:
        codes: uint8[room].
        origins: int32[room], index in the text of what each code stands for.
        size: int64[1], how many there are.
    """

    codes: NDArray[np.uint8]
    origins: NDArray[np.int32]
    size: NDArray[np.int64]


@compiled
def put(draft: Draft, code: int, origin: int) -> None:
    """Append one code."""
    size = draft.size[0]
    draft.codes[size] = code
    draft.origins[size] = origin
    draft.size[0] = size + 1


@compiled
def put_all(draft: Draft, codes: NDArray[np.uint8], origin: int) -> None:
    """Append codes that stand for one thing of the text."""
    for code in codes:
        put(draft, code, origin)


@compiled
def take_back(draft: Draft, codes: int) -> None:
    """Leave out the last ones again."""
    draft.size[0] -= codes
