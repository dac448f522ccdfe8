"""Which window of a page decided, and which of its tokens weighed most.

The master network is linear between the kinks of its ReLUs, so the logit is a sum over the
inspector's units (gradient times answer) and what the biases give. Each unit's share belongs to
the window whose answer was the highest: these are the windows' parts, exact but for rounding. The
window with the largest part is the one that decided; of pages with fewer tokens than pieces some
windows are empty, and as there is nothing to show of them, they do not count.

Its part is then led back to its bins by the gradient, times what each bin holds, and shared among
the tokens of a bin by how often each occurs. Layer normalisation makes this an estimate of first
order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evidence import WEIGHT_SHARE, Span, Spans
from models.html.architecture import InspectorSizes
from models.html.dense import InspectorLayers
from models.html.features import PageFeatures
from models.html.featuriser import tokens_of
from models.html.scaling import scaled
from models.html.windows import WINDOWS

# As in the engine: what layers make of so many pages stays small.
CHUNK = 16
EXCERPT = 128
"""Characters of an excerpt at most."""
# Before the heaviest token in a window's excerpt, so that a reader sees what it stands in.
CONTEXT_BYTES = 48
# A character takes at most four bytes in UTF-8.
EXCERPT_BYTES = 4 * EXCERPT

_FIRST = np.array([first for first, _ in WINDOWS])
_LAST = np.array([last for _, last in WINDOWS])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decision:
    """How n pages came by their logits.

    Attributes:
        parts: float32[n, 31], what each window gives of the logit.
        window: int64[n], the window with the largest part, of those that hold a byte.
        slopes: float32[n, 1024], gradient with respect to the scaled counts of that window.
    """

    parts: NDArray[np.float32]
    window: NDArray[np.int64]
    slopes: NDArray[np.float32]


class PageExplainer:
    """Explainer of one set of weights.

    Args:
        sizes: The network's sizes.
        tensors: Its weights, float32.
    """

    exact = False

    def __init__(self, sizes: InspectorSizes, tensors: Mapping[str, NDArray[np.float32]]) -> None:
        self._layers = InspectorLayers(sizes, tensors)

    def explain(self, features: PageFeatures, most: int, traced: object = None) -> Spans:
        """The window that decided, then tokens in it that speak for malicious, heaviest first.

        Spans are byte ranges with excerpts of at most ``EXCERPT`` characters, what is not UTF-8
        replaced. An empty page has none.

        Args:
            features: Of n pages.
            most: Spans of a page at most, the window among them.
            traced: No engine hands anything on.
        """
        del traced
        spans: list[list[Span]] = []
        for start in range(0, len(features), CHUNK):
            spans += self._explain(features.rows(slice(start, start + CHUNK)), most)
        return Spans.of_rows(spans)

    def window_parts(self, features: PageFeatures) -> NDArray[np.float32]:
        """How much of the logit each window gives: float32[n, 31].

        They and what the master network's biases give sum to the logit.
        """
        return self._decide(scaled(features.counts), features.bounds).parts

    def _decide(self, values: NDArray[np.float32], bounds: NDArray[np.int64]) -> _Decision:
        inspection = self._layers.inspect(values)
        highest = inspection.answers.max(axis=1)
        winners = inspection.answers.argmax(axis=1)
        slopes = self._layers.master_gradient(highest)
        won = winners[:, None, :] == np.arange(len(WINDOWS))[:, None]
        parts = np.einsum("nwu,nu->nw", won, slopes * highest)
        is_empty = bounds[:, _FIRST] == bounds[:, _LAST]
        window = np.where(is_empty, -np.inf, parts).argmax(axis=1)
        slopes = slopes * (winners == window[:, None])
        return _Decision(
            parts=parts,
            window=window,
            slopes=self._layers.window_gradient(inspection, window, slopes),
        )

    def _explain(self, features: PageFeatures, most: int) -> list[list[Span]]:
        values = scaled(features.counts)
        decision = self._decide(values, features.bounds)
        return [
            _spans(
                page,
                slice(int(bounds[_FIRST[window]]), int(bounds[_LAST[window]])),
                part=float(parts[window]),
                of_bins=slopes * pieces[_FIRST[window] : _LAST[window]].mean(axis=0),
                most=most,
            )
            for page, bounds, window, parts, slopes, pieces in zip(
                features.pages,
                features.bounds,
                decision.window,
                decision.parts,
                decision.slopes,
                values,
                strict=True,
            )
        ]


def _spans(
    page: bytes, window: slice, *, part: float, of_bins: NDArray[np.float32], most: int
) -> list[Span]:
    """The window, and its heaviest tokens."""
    if not page or most < 1:
        return []
    tokens = _heaviest(page[window], of_bins, most - 1)
    spans = [
        Span(
            window.start + start,
            window.start + end,
            weight,
            "token",
            excerpt(page, window.start + start, window.start + end),
        )
        for weight, start, end in tokens
    ]
    from_byte = max(window.start, spans[0].start - CONTEXT_BYTES) if spans else window.start
    shown = excerpt(page, from_byte, window.stop)
    return [Span(window.start, window.stop, part, "window", shown), *spans]


def _heaviest(page: bytes, of_bins: NDArray[np.float32], most: int) -> list[tuple[float, int, int]]:
    """Weight and first occurrence of the tokens that speak most for malicious.

    Tokens that differ in case alone are one.
    """
    starts, ends, bins = tokens_of(page)
    heaviest: list[tuple[float, int, int]] = []
    speaking = np.flatnonzero((np.bincount(bins, minlength=len(of_bins)) > 0) & (of_bins > 0))
    for found in speaking[np.argsort(-of_bins[speaking], kind="stable")].tolist():
        weight = float(of_bins[found])
        if len(heaviest) == most and (not most or heaviest[-1][0] >= weight):
            break  # a token weighs no more than its bin, and bins to come weigh less
        occurrences = np.flatnonzero(bins == found).tolist()
        texts = [page[starts[token] : ends[token]].lower() for token in occurrences]
        times = Counter(texts)
        first = dict(zip(reversed(texts), reversed(occurrences), strict=True))
        heaviest += [
            (weight * count / len(texts), int(starts[first[text]]), int(ends[first[text]]))
            for text, count in times.items()
        ]
        heaviest = sorted(heaviest, key=lambda token: -token[0])[:most]
    return [token for token in heaviest if token[0] >= WEIGHT_SHARE * heaviest[0][0]]


def excerpt(page: bytes, start: int, end: int) -> str:
    """At most ``EXCERPT`` characters of the bytes from ``start``, as UTF-8.

    What is not UTF-8 is replaced; the rest of a character that begins before ``start`` is left
    out.
    """
    cut = page[start : min(end, start + EXCERPT_BYTES)]
    inside = next((i for i, byte in enumerate(cut[:3]) if byte & 0xC0 != 0x80), 0)  # noqa: PLR2004
    return cut[inside:].decode("utf-8", "replace")[:EXCERPT]
