"""URLs as codes of characters, in the normal form of `models.url.normaliser`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from reprlib import repr as shown

import numpy as np
from numpy.typing import NDArray

from models.characters.codes import CharacterCodes, Source, width_of
from models.errors import ArtefactError
from models.url.normaliser import ALPHABET, normalise

KIND = "url-characters"
# Of the normal form; a network trained on another one would be misled.
NORMAL_FORM = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlFeaturiser:
    """Codes of the first ``width`` characters of each URL's normal form.

    >>> features = UrlFeaturiser(width=8)(["https://www.a.example:443/", "http://192.0.2.1"])
    >>> origins, ends = features.source.places()
    >>> features.seen.tolist(), int(origins[0, 0]), features.silent.tolist()
    ([8, 0], 12, [False, True])
    """

    width: int

    @property
    def parameters(self) -> dict[str, int | str]:
        """What the manifest records."""
        return {
            "kind": KIND,
            "width": self.width,
            "alphabet": ALPHABET,
            "normal_form": NORMAL_FORM,
        }

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, object]) -> UrlFeaturiser:
        """Read what a manifest records.

        Raises:
            ArtefactError: it is another featuriser's, or of another normal form.
        """
        featuriser = cls(width=width_of(parameters))
        if dict(parameters) != featuriser.parameters:
            raise ArtefactError(
                f"featuriser {shown(dict(parameters))} is unknown here; expected "
                f"{featuriser.parameters}"
            )
        return featuriser

    def __call__(self, texts: Sequence[str], /) -> CharacterCodes:
        """Featurise n texts; lone surrogates are allowed and count as one character."""
        nowhere = np.zeros((0, self.width), np.int32)
        return self._normalised(texts, nowhere, nowhere)

    def locate(self, texts: Sequence[str], /) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Where what each code of n texts stands for begins and ends: int32[n, width] twice."""
        origins, ends = (np.zeros((len(texts), self.width), np.int32) for _ in range(2))
        self._normalised(texts, origins, ends)
        return origins, ends

    def _normalised(
        self, texts: Sequence[str], origins: NDArray[np.int32], ends: NDArray[np.int32]
    ) -> CharacterCodes:
        n = len(texts)
        bounds = np.fromiter(accumulate(map(len, texts), initial=0), np.int64, n + 1)
        codes = np.zeros((n, self.width), np.uint8)
        seen, read = np.zeros(n, np.int32), np.zeros(n, np.int64)
        silent = np.zeros(n, np.bool_)
        normalise(code_points(texts), bounds, codes, origins, ends, seen, read, silent)
        return CharacterCodes(
            codes=codes,
            seen=seen,
            lengths=np.diff(bounds),
            read=read,
            source=Source(texts=texts, featuriser=self),
            silent=silent,
        )


def code_points(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Code points of all texts behind one another."""
    return np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
