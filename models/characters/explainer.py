"""Splits the logit of the character network over the characters of the text.

The pooled features are sums over positions, so the gradient of the logit with respect to them
splits each position's part: ``part[t] = scale * sum_f gradient[f] * relu(conv_f)[t]``. A filter
at t saw a few characters; its part is shared equally among those of them that are text. Parts
plus remainder (the dense layers' biases) sum to the logit, exactly but for rounding, since
between the kinks of its ReLUs the network is linear.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from models.characters import grams
from models.characters.architecture import CharacterConvolutions
from models.characters.codes import CharacterCodes
from models.characters.dense import DenseLayers
from models.characters.gram_sums import GramSums
from models.characters.layout import TableSums, tables_of
from models.evidence import Attribution, Span, top_spans


class CharacterExplainer:
    """Explainer of one set of weights.

    Args:
        sizes: The network's sizes.
        tensors: Its weights, float32.
    """

    exact = True

    def __init__(
        self, sizes: CharacterConvolutions, tensors: Mapping[str, NDArray[np.float32]]
    ) -> None:
        self._sums = TableSums(sizes, tables_of(sizes, tensors), short=False)
        self._scale = np.float32(sizes.pooling_scale)
        self._vectors = tensors.get("grams/vectors")
        self._grams = None if self._vectors is None else GramSums(sizes, self._vectors)
        self._orders = np.array(sizes.gram_orders, np.int64)
        self._dense = DenseLayers(sizes, tensors)

    def explain(self, features: CharacterCodes, most: int) -> list[list[Span]]:
        """The heaviest spans of n texts."""
        return _in_texts(top_spans(self.attribute(features).parts, most), features)

    def attribute(self, features: CharacterCodes) -> Attribution:
        """Attribute n texts: parts float32[n, width], remainder float32[n]."""
        gradient, remainder = self._dense.gradient(self._pooled(features))
        return Attribution(parts=self._parts(features, gradient), remainder=remainder, exact=True)

    def _pooled(self, features: CharacterCodes) -> NDArray[np.float32]:
        """float32[n, filters x filter widths + units of n-grams]."""
        of_filters = self._sums(features)[:, self._sums.of_filters] * self._scale
        if self._grams is None:
            return of_filters
        return np.concatenate([of_filters, self._grams(features)], axis=1)

    def _parts(
        self, features: CharacterCodes, gradient: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """What each character gave of ``gradient . pooled``: float32[n, width]."""
        filters = len(self._sums.of_filters)
        weights = np.zeros((len(features), self._sums.columns), np.float32)
        weights[:, self._sums.of_filters] = gradient[:, :filters] * self._scale
        parts = self._sums.parts(features, weights)
        if self._vectors is not None and self._grams is not None:
            of_grams = np.ascontiguousarray(gradient[:, filters:])
            grams.share_out(
                self._vectors, self._orders, features.codes, features.seen, of_grams, parts
            )
        return parts


def _in_texts(spans: list[list[Span]], features: CharacterCodes) -> list[list[Span]]:
    """Spans of codes as such of the texts that they came from."""
    if features.source is None:
        return spans
    origins, past = features.source.places()
    rows = np.repeat(np.arange(len(spans)), [len(own) for own in spans])
    flat = [span for own in spans for span in own]
    firsts = origins[rows, [span.start for span in flat]].tolist()
    ends = past[rows, [span.end - 1 for span in flat]].tolist()
    moved = iter(
        Span(first, end, span.weight) for span, first, end in zip(flat, firsts, ends, strict=True)
    )
    return [list(islice(moved, len(own))) for own in spans]
