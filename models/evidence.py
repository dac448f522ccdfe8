"""Which spans of a text weighed most: shape of the answer, and how positions become spans."""

from __future__ import annotations

from dataclasses import dataclass
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
    kind: str = "characters"
    text: str | None = None


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

    def explain(self, features: Any, most: int) -> list[list[Span]]:
        """At most ``most`` spans for each of n subjects, heaviest first.

        Args:
            features: What the detector's featuriser gave.
            most: Spans of a subject at most.
        """
        ...


def top_spans(parts: NDArray[np.float32], most: int) -> list[list[Span]]:
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
    return [
        [Span(*span) for span in zip(own[:count], until[:count], weighs[:count], strict=True)]
        for own, until, weighs, count in zip(
            starts.tolist(), ends.tolist(), weights.tolist(), counts.tolist(), strict=True
        )
    ]


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
