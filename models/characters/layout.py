"""Tables of the convolutions as `models.characters.table_sums` reads them, float or short.

One table a filter width, in blocks of `VECTORS` vectors of filters; in a block first the rows of
the filter's first place, one a code, then those of the next. Filters are padded to whole blocks
with such as give 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.characters.codes import PADDING, CharacterCodes
from models.characters.table_parts import weigh_floats
from models.characters.table_sums import ADDED, VECTORS, lay_out, sum_floats, sum_shorts
from models.errors import EngineError
from models.vectors import FLOATS, SHORTS

Array = NDArray[np.float32]

# A row that is never read, so that the rows of one code at all places of a filter do not fall in
# the same lines of the cache: alphabets are often powers of two.
_UNREAD: Final = 1
_MOST_SHORT: Final = 2**15 - 1
_MOST_UNSIGNED: Final = 2**16 - 1


def tables_of(
    sizes: CharacterConvolutions, tensors: Mapping[str, Array]
) -> list[NDArray[np.float64]]:
    """What each code gives at each place of a filter: float64[width, alphabet, filters] a width.

    The bias is part of what the character gives that the filter stands on.
    """
    embeddings = tensors["embedding/embeddings"].astype(np.float64)
    embeddings[PADDING] = 0
    tables = []
    for width in sizes.filter_widths:
        kernel = tensors[f"convolution_{width}/kernel"].astype(np.float64)
        table = np.einsum("ae,jef->jaf", embeddings, kernel)
        table[(width - 1) // 2] += tensors[f"convolution_{width}/bias"]
        table[:, PADDING] = 0
        tables.append(table)
    return tables


class TableSums:
    """Sums of activations over texts, of one set of weights; may be used by several threads.

    Args:
        sizes: The network's sizes.
        tables: From `tables_of`.
        short: Whether to compute in int16 and not in float32.

    Raises:
        EngineError: weights that are no finite numbers have no int16.
    """

    def __init__(
        self, sizes: CharacterConvolutions, tables: Sequence[NDArray[np.float64]], *, short: bool
    ) -> None:
        self._dtype: type[np.generic] = np.int32 if short else np.float32
        self._sum: Callable[..., None] = sum_shorts if short else sum_floats
        self._block = VECTORS * (SHORTS if short else FLOATS)
        self._margin = max(sizes.filter_widths)
        self._widths = tuple(tuple(range(width)) for width in sizes.filter_widths)
        self._filters = -(-sizes.filters // self._block) * self._block
        factors = [_short_factors(table) if short else np.ones(sizes.filters) for table in tables]
        self._tables = tuple(
            _blocks(np.rint(table * factor) if short else table, self._block).astype(
                np.int16 if short else np.float32
            )
            for table, factor in zip(tables, factors, strict=True)
        )
        self.columns = self._filters * len(self._widths)
        """Of the sums."""
        self.of_filters = np.flatnonzero(np.arange(self.columns) % self._filters < sizes.filters)
        """int64[filters x widths], columns of the network's filters; the others hold 0."""
        self.units = np.zeros(self.columns, np.float64)
        """float64[columns]: a sum times this is the sum of the network's definition."""
        self.units[self.of_filters] = sizes.pooling_scale / np.concatenate(factors)

    def __call__(self, features: CharacterCodes, further: int = 0) -> NDArray[Any]:
        """float32 or int32 [n, columns + further]; the further ones are for the caller to fill."""
        seen = features.seen
        sums = np.empty((len(seen), self.columns + further), self._dtype)
        if not len(seen):
            return sums
        self._sum(
            self._tables,
            self._widths,
            self._filters // self._block,
            self._laid_out(features),
            self._margin,
            seen,
            sums.shape[1],
            sums.reshape(-1),
        )
        return sums

    def parts(self, features: CharacterCodes, weights: Array) -> Array:
        """What each character gave of ``weights . sums``: float32[n, width of the codes].

        Args:
            features: n texts.
            weights: float32[n, columns or more], of the sums as they are given; float tables only.
        """
        seen = features.seen
        parts = np.zeros(features.codes.shape, np.float32)
        if not len(seen):
            return parts
        weigh_floats(
            self._tables,
            self._widths,
            self._filters // self._block,
            self._laid_out(features),
            self._margin,
            seen,
            np.ascontiguousarray(weights).reshape(-1),
            weights.shape[1],
            np.empty_like(parts),
            parts,
        )
        return parts

    def _laid_out(self, features: CharacterCodes) -> NDArray[np.int32]:
        codes, seen = features.codes, features.seen
        places = np.empty(len(seen) * (codes.shape[1] + 2 * self._margin), np.int32)
        lay_out(codes, seen, self._margin, self._block, places)
        return places


def _short_factors(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a filter's numbers are multiplied by: float64[filters].

    No text makes a filter give more than the sum of the largest numbers of its places; less than
    their smallest would wrap around and look large.
    """
    highest = np.maximum(table.max(axis=1), 0).sum(axis=0)
    lowest = np.maximum(-table.min(axis=1), 0).sum(axis=0)
    if not np.isfinite(highest + lowest).all():
        raise EngineError(
            "engine 'tables-int8' cannot run: the weights hold what is no finite number"
        )
    width = len(table)  # each number may be rounded up by a half
    with np.errstate(divide="ignore"):
        factors = np.minimum(
            (_MOST_UNSIGNED // ADDED - width) / highest, (_MOST_SHORT - width) / lowest
        )
    # A filter that gives nothing, or next to nothing, may have any.
    return np.where(highest > np.finfo(np.float32).tiny, factors, 1.0)


def _blocks(table: NDArray[np.float64], block: int) -> NDArray[np.float64]:
    """float64[width, alphabet, filters] in blocks of filters, flat."""
    width, alphabet, filters = table.shape
    padded = np.pad(table, ((0, 0), (0, _UNREAD), (0, -filters % block)))
    by_block = padded.reshape(width, alphabet + _UNREAD, -1, block).transpose(2, 0, 1, 3)
    return np.ascontiguousarray(by_block).reshape(-1)
