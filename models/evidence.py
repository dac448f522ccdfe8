"""Which spans of a text weighed most: shape of the answer, and how positions become spans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.features import Features

# A character belongs to a span when its part is at least this share of the text's largest:
# lower, and spans swallow their surroundings; higher, and words fall to pieces.
SPAN_SHARE = 0.25
# A span is worth showing when it weighs at least this share of the heaviest: single letters far
# from anything tell a reader nothing.
WEIGHT_SHARE = 0.1


class Span(NamedTuple):
    """Characters ``start`` to ``end`` (exclusive) of the original text, in code points.

    ``weight`` is their part of the logit; above 0 it speaks for malicious.
    """

    start: int
    end: int
    weight: float


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
    """Splits logits over characters."""

    def attribute(self, features: Features) -> Attribution:
        """Attribute n texts at once."""
        ...


def top_spans(parts: NDArray[np.float32], most: int) -> list[Span]:
    """The spans that speak most for malicious, heaviest first.

    A span is a run of characters whose part is at least ``SPAN_SHARE`` of the largest, with
    single lighter characters between them bridged. Spans under ``WEIGHT_SHARE`` of the heaviest
    are left out.

    Args:
        parts: float32[characters] of one text.
        most: Spans at most.
    """
    if not len(parts) or (largest := float(parts.max())) <= 0:
        return []
    strong = np.flatnonzero(parts >= SPAN_SHARE * largest)
    breaks = np.flatnonzero(np.diff(strong) > 2)  # noqa: PLR2004 - a gap of one is bridged
    starts = strong[np.concatenate([[0], breaks + 1])]
    ends = strong[np.concatenate([breaks, [len(strong) - 1]])] + 1
    running = np.concatenate([[0.0], np.cumsum(parts, dtype=np.float64)])
    weights = running[ends] - running[starts]
    heaviest = np.argsort(-weights, kind="stable")[:most]
    heaviest = heaviest[weights[heaviest] >= WEIGHT_SHARE * weights[heaviest[0]]]
    return [Span(int(starts[i]), int(ends[i]), float(weights[i])) for i in heaviest]
