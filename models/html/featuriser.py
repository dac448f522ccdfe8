"""Bytes of a page as hashed bags of tokens, 16 pieces a page. `models.html.tokens` defines them.

Nothing is parsed, rendered or decoded, and nothing is cut: a page is read to its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from reprlib import repr as shown

import numpy as np
from numpy.typing import NDArray

from models.errors import ArtefactError
from models.html.features import PageFeatures
from models.html.tokens import BINS, PIECES, count_bins, count_tokens, find_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFeaturiser:
    r"""Counts the tokens of each piece of each page.

    >>> features = PageFeaturiser()([b"<p>Caf\xc3\xa9 au lait</p>"])
    >>> features.counts.shape, int(features.counts.sum()), features.lengths.tolist()
    ((1, 16, 1024), 6, [24])
    """

    @property
    def parameters(self) -> dict[str, int | str]:
        """What the manifest records."""
        return {"kind": "page-tokens", "pieces": PIECES, "bins": BINS, "hash": "fnv-1a-64"}

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, object]) -> PageFeaturiser:
        """Read what a manifest records.

        Raises:
            ArtefactError: it is another featuriser's.
        """
        featuriser = cls()
        if dict(parameters) != featuriser.parameters:
            raise ArtefactError(
                f"featuriser {shown(dict(parameters))} is unknown here; expected "
                f"{featuriser.parameters}"
            )
        return featuriser

    def __call__(self, pages: Sequence[bytes]) -> PageFeatures:
        """Featurise n pages of any bytes. Lets go of the interpreter lock page by page.

        Returns:
            Features with uint16[n, 16, 1024] counts, 32 KiB a page whatever its length.
        """
        counts = np.zeros((len(pages), PIECES, BINS), np.uint16)
        bounds = np.empty((len(pages), PIECES + 1), np.int64)
        for row, page in enumerate(pages):
            count_bins(np.frombuffer(page, np.uint8), counts[row], bounds[row])
        return PageFeatures(
            counts=counts,
            bounds=bounds,
            pages=pages,
            lengths=np.fromiter(map(len, pages), np.int64, len(pages)),
        )


def tokens_of(
    page: bytes,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint16]]:
    """First byte of every token, the byte after its last, and its bin.

    Returns:
        int64[tokens], int64[tokens], uint16[tokens].
    """
    codes = np.frombuffer(page, np.uint8)
    tokens = count_tokens(codes)
    starts, ends = np.empty(tokens, np.int64), np.empty(tokens, np.int64)
    bins = np.empty(tokens, np.uint16)
    find_tokens(codes, starts, ends, bins)
    return starts, ends, bins
