"""Splits the logit of the character network over the characters of the text.

The pooled features are sums over positions, so the gradient of the logit with respect to them
splits each position's part: ``part[t] = scale * sum_f gradient[f] * relu(conv_f)[t]``. A filter
at t saw a few characters; its part is shared equally among those of them that are text. Parts
plus remainder (the dense layers' biases) sum to the logit, exactly but for rounding, since
between the kinks of its ReLUs the network is linear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.characters.codes import CharacterCodes
from models.characters.layout import TableSums, tables_of
from models.characters.sides import Sides, unpack
from models.engines.products import FloatGradient, FloatSides
from models.engines.tables import dense_of, grams_of, laid_out
from models.evidence import Attribution, Spans, top_spans


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
        self._grams = grams_of(sizes, tensors)
        kernels, biases = dense_of(sizes, tensors)
        kernels[0] = laid_out(kernels[0], self._sums)
        self._units = sizes.dense
        self._sides = FloatSides(kernels, biases)
        self._gradient = FloatGradient(kernels, biases)

    def explain(self, features: CharacterCodes, most: int, traced: Sides | None = None) -> Spans:
        """The heaviest spans of n texts."""
        return _in_texts(top_spans(self.attribute(features, traced).parts, most), features)

    def attribute(self, features: CharacterCodes, traced: Sides | None = None) -> Attribution:
        """Attribute n texts: parts float32[n, width], remainder float32[n].

        With the sides that an engine handed on, parts sum to the logit as this engine's ReLUs
        stood, which is its own but for what narrow numbers round away.
        """
        sides = self._computed(features) if traced is None else unpack(traced, self._units)
        gradient, remainder = self._gradient(sides, len(features))
        parts = self._sums.parts(features, gradient)
        if self._grams:
            self._grams.share_out(features, gradient[:, self._sums.columns :], parts)
        return Attribution(parts=parts, remainder=remainder, exact=True)

    def _computed(self, features: CharacterCodes) -> list[NDArray[np.float32]]:
        sums = self._sums(features, self._grams.units if self._grams else 0)
        if self._grams:
            sums[:, self._sums.columns :] = self._grams(features)
        return self._sides(sums)


def _in_texts(spans: Spans, features: CharacterCodes) -> Spans:
    """Spans of codes as such of the texts that they came from."""
    if features.source is None or not len(spans.starts):
        return spans
    origins, past = features.source.places()
    rows = np.repeat(np.arange(len(spans)), np.diff(spans.splits))
    return replace(
        spans,
        starts=origins[rows, spans.starts].astype(np.int64),
        ends=past[rows, spans.ends - 1].astype(np.int64),
    )
