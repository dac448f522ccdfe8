"""Which spans of a text weighed most: shape of the answer, and how positions become spans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, repeat
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled

# A character belongs to a span when its part is at least this share of the text's largest:
# lower, and spans swallow their surroundings; higher, and words fall to pieces.
SPAN_SHARE = 0.25
# A span is worth showing when it weighs at least this share of the heaviest: single letters far
# from anything tell a reader nothing.
WEIGHT_SHARE = 0.1
CHARACTERS = "characters"


class Span(NamedTuple):
    """Units ``start`` to ``end`` (exclusive) of the subject.

    Units are code points of a text, bytes of a page. ``weight`` is their part of the logit; above
    0 it speaks for malicious. ``kind`` says what the
    span is: ``characters`` of a text, the ``window`` of a page that decided, or a ``token`` in it.
    ``text`` is an excerpt, None where readers cut it from the text themselves.
    """

    start: int
    end: int
    weight: float
    kind: str = CHARACTERS
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spans:
    """The spans of n subjects, as ragged columns: row i's are ``splits[i]`` to ``splits[i + 1]``.

    Iterates over the rows, each a list of `Span`, for whoever looks at few.

    Attributes:
        splits: int64[n + 1], from 0 to k.
        starts: int64[k], as in `Span`, and so are all that follow.
        ends: int64[k].
        weights: float64[k].
        kinds: k names.
        texts: k excerpts.
    """

    splits: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    weights: NDArray[np.float64]
    kinds: Sequence[str]
    texts: Sequence[str | None]

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[Span]]) -> Spans:
        """Of lists, a row each."""
        flat = list(chain.from_iterable(rows))
        return cls(
            splits=_splits(np.array([len(own) for own in rows], np.int64)),
            starts=np.array([span.start for span in flat], np.int64),
            ends=np.array([span.end for span in flat], np.int64),
            weights=np.array([span.weight for span in flat], np.float64),
            kinds=[span.kind for span in flat],
            texts=[span.text for span in flat],
        )

    @classmethod
    def joined(cls, parts: Iterable[Spans]) -> Spans:
        """The rows of one part after those of the other."""
        parts = [cls.of_rows([]), *parts]
        return cls(
            splits=_splits(np.concatenate([np.diff(part.splits) for part in parts])),
            starts=np.concatenate([part.starts for part in parts]),
            ends=np.concatenate([part.ends for part in parts]),
            weights=np.concatenate([part.weights for part in parts]),
            kinds=list(chain.from_iterable(part.kinds for part in parts)),
            texts=list(chain.from_iterable(part.texts for part in parts)),
        )

    def __len__(self) -> int:
        return len(self.splits) - 1

    def __getitem__(self, row: int) -> list[Span]:
        start, end = self.splits[:-1][row], self.splits[1:][row]
        columns = (self.starts, self.ends, self.weights)
        numbers = (column[start:end].tolist() for column in columns)
        return list(map(Span, *numbers, self.kinds[start:end], self.texts[start:end]))

    def __iter__(self) -> Iterator[list[Span]]:
        columns = (self.starts.tolist(), self.ends.tolist(), self.weights.tolist())
        spans = list(map(Span, *columns, self.kinds, self.texts))
        for start, end in pairwise(self.splits.tolist()):
            yield spans[start:end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """How the logits of n texts split over their characters.

    For each text, parts and remainder sum to the logit, exactly up to rounding when ``exact``.

    Attributes:
        parts: float32[n, width], 0 beyond what was seen.
        remainder: float32[n], what no character accounts for (the biases).
        exact: Whether the split is exact (piecewise linear networks) or a first-order estimate.
    """

    parts: NDArray[np.float32]
    remainder: NDArray[np.float32]
    exact: bool


class Explainer(Protocol):
    """Says which spans of a subject weighed most."""

    @property
    def exact(self) -> bool:
        """Whether weights are exact parts of the logit (up to rounding) or estimates."""
        ...

    def explain(self, features: Any, most: int, traced: NDArray[np.uint8] | None = None) -> Spans:
        """At most ``most`` spans for each of n subjects, heaviest first.

        Args:
            features: What the detector's featuriser gave.
            most: Spans of a subject at most.
            traced: uint8[n, k], what the engine handed on that judged them; None for nothing.
        """
        ...


def top_spans(parts: NDArray[np.float32], most: int) -> Spans:
    """The spans of n texts that speak most for malicious, heaviest first.

    A span is a run of characters whose part is at least ``SPAN_SHARE`` of the largest, with
    single lighter characters between them bridged. Spans under ``WEIGHT_SHARE`` of the heaviest
    are left out.

    Args:
        parts: float32[n, characters].
        most: Spans of a text at most.
    """
    starts, ends = (np.zeros((len(parts), most), np.int64) for _ in range(2))
    weights, counts = np.zeros((len(parts), most), np.float64), np.zeros(len(parts), np.int64)
    _fill_spans(parts, starts, ends, weights, counts)
    filled = np.arange(most) < counts[:, None]
    spans = int(counts.sum())
    return Spans(
        splits=_splits(counts),
        starts=starts[filled],
        ends=ends[filled],
        weights=weights[filled],
        kinds=list(repeat(CHARACTERS, spans)),
        texts=list(repeat(None, spans)),
    )


def _splits(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    splits = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=splits[1:])
    return splits


@compiled
def _fill_spans(
    parts: NDArray[np.float32],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    weights: NDArray[np.float64],
    counts: NDArray[np.int64],
) -> None:
    """Fill the spans of each text, heaviest first; of equal ones the earlier first."""
    n, width = parts.shape
    for row in range(n):
        largest = np.float32(0)
        for place in range(width):
            largest = max(largest, parts[row, place])
        if largest <= 0:
            continue
        least = np.float32(SPAN_SHARE) * largest
        place = 0
        while place < width:
            if parts[row, place] < least:
                place += 1
                continue
            start, end, weight = place, place, 0.0
            # While the next or the one after is strong.
            while end < width and (
                parts[row, end] >= least or (end + 1 < width and parts[row, end + 1] >= least)
            ):
                weight += parts[row, end]
                end += 1
            counts[row] = _insert(
                starts[row], ends[row], weights[row], counts[row], start, end, weight
            )
            place = end
        while counts[row] and weights[row, counts[row] - 1] < WEIGHT_SHARE * weights[row, 0]:
            counts[row] -= 1


@compiled
def _insert(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    weights: NDArray[np.float64],
    count: int,
    start: int,
    end: int,
    weight: float,
) -> int:
    """Put a span in its place among ``count``, heaviest first; return how many there are then."""
    most = len(starts)
    place = count
    while place > 0 and weights[place - 1] < weight:
        if place < most:
            starts[place], ends[place] = starts[place - 1], ends[place - 1]
            weights[place] = weights[place - 1]
        place -= 1
    if place < most:
        starts[place], ends[place], weights[place] = start, end, weight
    return min(most, count + 1)
