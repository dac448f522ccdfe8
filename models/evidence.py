"""Which spans of a text weighed most: shape of the answer, and how positions become spans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

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
