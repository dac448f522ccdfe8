"""Texts as codes of characters: what featurisers of texts give, and the character network takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import ArtefactError

PADDING = 0
# That a code's type has room for.
CODES = 256
# Codes of one text that a network may be made to look at.
WIDEST = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterCodes:
    """n texts, ready for the character network (`models.features.Features`).

    Attributes:
        codes: uint8[n, width]; each row the codes of one text, then padding (code 0, which is no
            character's).
        seen: int32[n], how many codes each text has (at most width).
        lengths: int64[n], code points of each text.
        read: int64[n], code points that were turned into codes or left out as saying nothing;
            fewer than ``lengths`` when the text was cut.
        origins: int32[n, width], where what each code stands for begins in the text; None where it
            is the code point at its own place.
        ends: int32[n, width], where it ends (exclusive); None as above.
        silent: bool[n], texts that say nothing either way; None where there are none.
    """

    codes: NDArray[np.uint8]
    seen: NDArray[np.int32]
    lengths: NDArray[np.int64]
    read: NDArray[np.int64]
    origins: NDArray[np.int32] | None = None
    ends: NDArray[np.int32] | None = None
    silent: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return int(self.codes.shape[0])

    def tokens(self) -> NDArray[np.int64]:
        """How often each code occurs: int64[256]; padding does not."""
        counts = np.bincount(self.codes.ravel(), minlength=CODES)
        counts[PADDING] = 0
        return counts

    def rows(self, index: NDArray[np.int64] | slice) -> CharacterCodes:
        """The features of some of the texts."""
        return CharacterCodes(
            codes=self.codes[index],
            seen=self.seen[index],
            lengths=self.lengths[index],
            read=self.read[index],
            origins=None if self.origins is None else self.origins[index],
            ends=None if self.ends is None else self.ends[index],
            silent=None if self.silent is None else self.silent[index],
        )


def width_of(parameters: Mapping[str, object]) -> int:
    """The width that a manifest records of a featuriser of texts.

    Raises:
        ArtefactError: it is none.
    """
    width = parameters.get("width")
    if not isinstance(width, int) or isinstance(width, bool) or not 1 <= width <= WIDEST:
        raise ArtefactError(f"featuriser width is not a whole number of 1 to {WIDEST}")
    return width
