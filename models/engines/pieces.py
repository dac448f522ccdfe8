"""Fixed numbers of rows that a batch is cut into, so that compiled graphs see few shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

# A GPU starts some twenty kernels a piece one by one, whatever its rows, which takes longer than
# computing a few hundred rows that nobody asked for. On a CPU each of these costs its time.
_ON_A_GPU: Final = 0.5


def padding_on(device: str) -> float:
    """Share of a piece that may be rows to spare where that saves pieces."""
    return 0.0 if device == "cpu" else _ON_A_GPU


def cut(rows: int, sizes: Sequence[int], padding: float) -> Iterator[int]:
    """Sizes of the pieces that so many rows are cut into; the last one may have rows to spare.

    Args:
        rows: Of a batch.
        sizes: That there are, the largest first.
        padding: Share of a piece that may be rows to spare; of the smallest all but one may.

    >>> list(cut(700, (1024, 256, 64), 0.0)), list(cut(700, (1024, 256, 64), 0.5))
    ([256, 256, 64, 64, 64], [1024])
    """
    while rows > 0:
        size = next((size for size in sizes if size * (1 - padding) <= rows), sizes[-1])
        yield size
        rows -= size


def reached(rows: int, sizes: Sequence[int], padding: float) -> list[int]:
    """The sizes that some batch of up to so many rows is cut into.

    Args:
        rows: Of the largest batch, 1 or more.
        sizes: As in `cut`.
        padding: As in `cut`.
    """
    return [size for size in sizes if size * (1 - padding) <= rows or size == sizes[-1]]
