"""Texts as codes of characters: what featurisers of texts give, and the character network takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import ArtefactError

PADDING = 0
# That a code's type has room for.
CODES = 256
# Codes of one text that a network may be made to look at.
WIDEST = 65_536


class Locator(Protocol):
    """A featuriser whose codes stand for other code points than those at their places."""

    def locate(self, texts: Sequence[str], /) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Where what each code of n texts stands for begins and ends (exclusive).

        Returns:
            int32[n, width] twice; 0 for padding.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What codes were made of. Where they come from is looked up for the few that are explained.

    Columns of places would be eight times the size of the codes, and filling new memory takes as
    long as making them.

    Attributes:
        texts: The n texts.
        featuriser: That read them.
    """

    texts: Sequence[str]
    featuriser: Locator

    def rows(self, index: NDArray[np.int64] | slice) -> Source:
        """Of some of the texts."""
        texts = (
            self.texts[index]
            if isinstance(index, slice)
            else [self.texts[row] for row in np.arange(len(self.texts))[index].tolist()]
        )
        return Source(texts=texts, featuriser=self.featuriser)

    def places(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """As `Locator.locate`."""
        return self.featuriser.locate(self.texts)


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
        source: Tells where what each code stands for is in the text; None where that is the code
            point at its own place.
        silent: bool[n], texts that say nothing either way; None where there are none.
    """

    codes: NDArray[np.uint8]
    seen: NDArray[np.int32]
    lengths: NDArray[np.int64]
    read: NDArray[np.int64]
    source: Source | None = None
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
            source=None if self.source is None else self.source.rows(index),
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
