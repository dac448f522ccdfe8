"""Pages as counted tokens: what the featuriser of pages gives, and its network takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFeatures:
    """n pages, ready for the network (`models.features.Features`).

    Attributes:
        counts: uint16[n, 16, 1024], tokens of each piece by bin; 32 KiB a page.
        bounds: int64[n, 17], the byte where each piece begins, and the page's length.
        pages: The n pages, from which the explainer takes its excerpts.
        lengths: int64[n], bytes of each page.
    """

    counts: NDArray[np.uint16]
    bounds: NDArray[np.int64]
    pages: Sequence[bytes]
    lengths: NDArray[np.int64]

    @property
    def read(self) -> NDArray[np.int64]:
        """int64[n], bytes that were looked at: all of them."""
        return self.lengths

    @property
    def silent(self) -> NDArray[np.bool_]:
        """bool[n], pages without a token: there is nothing to judge."""
        return np.asarray(~self.counts.any(axis=(1, 2)))

    def __len__(self) -> int:
        return int(self.counts.shape[0])

    def tokens(self) -> NDArray[np.int64]:
        """How many tokens fall into each bin: int64[1024]."""
        return np.asarray(self.counts.sum(axis=(0, 1), dtype=np.int64))

    def rows(self, index: NDArray[np.int64] | slice) -> PageFeatures:
        """The features of some of the pages."""
        pages = (
            self.pages[index]
            if isinstance(index, slice)
            else [self.pages[row] for row in np.arange(len(self))[index].tolist()]
        )
        return PageFeatures(
            counts=self.counts[index],
            bounds=self.bounds[index],
            pages=pages,
            lengths=self.lengths[index],
        )
