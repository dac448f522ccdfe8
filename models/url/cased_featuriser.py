"""Characters of a URL as codes, as they stand: what models of format 1 were trained with.

Nothing is normalised and case is kept. New models are trained with `models.url.featuriser`.

The alphabet has 128 codes, laid out so that a printable ASCII character is its own code:

======== ==================================================================
code     stands for
======== ==================================================================
0        padding; no character has it
1        a control character (U+0000 to U+001F, U+007F)
2 to 31  a character beyond ASCII: 2 + (code point >> 7) mod 30, so that the
         128 characters of one block (Greek, Cyrillic, ...) share a code
32 to 126  printable ASCII, as it is; case is kept
======== ==================================================================

Nothing is dropped. A longer text is cut after its first ``width`` characters (code points), and
`CharacterCodes.lengths` tells that it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from reprlib import repr as shown

import numpy as np
from numpy.typing import NDArray

from models.characters.codes import CharacterCodes, width_of
from models.errors import ArtefactError
from models.url.featuriser import code_points

KIND = "characters"
ALPHABET = 128
CONTROL = 1
FIRST_BLOCK = 2
BLOCKS = 30
LAST_CODE_POINT = 0x10FFFF


def _code_of_every_block() -> NDArray[np.uint8]:
    blocks = np.arange((LAST_CODE_POINT >> 7) + 1)
    return (FIRST_BLOCK + blocks % BLOCKS).astype(np.uint8)


def _code_of_every_ascii() -> NDArray[np.uint8]:
    codes = np.arange(128, dtype=np.uint8)
    codes[:32] = CONTROL
    codes[127] = CONTROL
    return codes


_BLOCK_CODES = _code_of_every_block()
_ASCII_CODES = _code_of_every_ascii()


@dataclass(frozen=True, slots=True, kw_only=True)
class CasedFeaturiser:
    """Codes of the first ``width`` characters of each text.

    >>> features = CasedFeaturiser(width=8)(["ab", "a longer text"])
    >>> features.codes.shape, features.seen.tolist(), features.lengths.tolist()
    ((2, 8), [2, 8], [2, 13])
    """

    width: int

    @property
    def parameters(self) -> dict[str, int | str]:
        """What the manifest records."""
        return {"kind": KIND, "width": self.width, "alphabet": ALPHABET}

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, object]) -> CasedFeaturiser:
        """Read what a manifest records.

        Raises:
            ArtefactError: it is another featuriser's.
        """
        featuriser = cls(width=width_of(parameters))
        if dict(parameters) != featuriser.parameters:
            raise ArtefactError(
                f"featuriser {shown(dict(parameters))} is unknown here; expected "
                f"{featuriser.parameters}"
            )
        return featuriser

    def __call__(self, texts: Sequence[str], /) -> CharacterCodes:
        """Featurise n texts.

        Args:
            texts: n texts; lone surrogates are allowed and count as one character.

        Returns:
            Codes uint8[n, width] codes.
        """
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        seen = np.minimum(lengths, self.width).astype(np.int32)
        codes = np.zeros((len(texts), self.width), np.uint8)
        kept = "".join([text[: self.width] for text in texts])
        codes[np.arange(self.width, dtype=np.int32) < seen[:, None]] = encode(kept)
        return CharacterCodes(codes=codes, seen=seen, lengths=lengths, read=seen.astype(np.int64))


def encode(text: str) -> NDArray[np.uint8]:
    """Codes of every character of one text: uint8[len(text)]."""
    if text.isascii():
        codes: NDArray[np.uint8] = _ASCII_CODES[np.frombuffer(text.encode("ascii"), np.uint8)]
        return codes
    points = code_points([text])
    codes = _BLOCK_CODES[points >> 7]
    ascii_ = points < len(_ASCII_CODES)
    codes[ascii_] = _ASCII_CODES[points[ascii_]]
    return codes
