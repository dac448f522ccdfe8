"""Splits the logit of the character network over the characters of the text.

The pooled features are sums over positions, so the gradient of the logit with respect to them
splits each position's part: ``part[t] = scale * sum_f gradient[f] * relu(conv_f)[t]``. A filter
at t saw a few characters; its part is shared equally among those of them that are text. Parts
plus remainder (the dense layers' biases) sum to the logit, exactly but for rounding, since
between the kinks of its ReLUs the network is linear.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.evidence import Attribution
from models.features import Features
from models.url.architecture import CharacterConvolutions
from models.url.dense import DenseLayers
from models.url.tables import ConvolutionTables, PackedTexts

# 64 texts of 60 characters hold some 16 MB of activations; more gains nothing.
CHUNK = 64


class CharacterExplainer:
    """Explainer of one set of weights.

    Args:
        sizes: The network's sizes.
        tensors: Its weights, float32.
    """

    def __init__(
        self, sizes: CharacterConvolutions, tensors: Mapping[str, NDArray[np.float32]]
    ) -> None:
        self._sizes = sizes
        self._tables = ConvolutionTables(sizes, tensors)
        self._dense = DenseLayers(sizes, tensors)

    def attribute(self, features: Features) -> Attribution:
        """Attribute n texts: parts float32[n, width], remainder float32[n]."""
        parts = np.zeros(features.codes.shape, np.float32)
        remainder = np.empty(len(features), np.float32)
        for start in range(0, len(features), CHUNK):
            rows = slice(start, start + CHUNK)
            self._attribute_chunk(features.rows(rows), parts[rows], remainder[rows])
        return Attribution(parts=parts, remainder=remainder, exact=True)

    def _attribute_chunk(
        self, features: Features, parts: NDArray[np.float32], remainder: NDArray[np.float32]
    ) -> None:
        packed = self._tables.pack(features)
        gradient, remainder[:] = self._dense.gradient(self._tables.pooled(packed))
        gradient *= np.float32(self._sizes.pooling_scale)
        text_of, is_text = _owners(packed)
        flat = np.zeros(len(packed.codes), np.float32)
        for number, width in enumerate(self._sizes.filter_widths):
            filters = slice(number * self._sizes.filters, (number + 1) * self._sizes.filters)
            activations = self._tables.activations(packed, width)
            at_position = np.einsum("pf,pf->p", activations, gradient[text_of, filters])
            flat += _share(at_position * is_text, is_text, *self._tables.window(width))
        width = parts.shape[1]
        inside = np.arange(width) < features.seen[:, None]
        parts[inside] = flat[is_text]


def _owners(packed: PackedTexts) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """For every position, the number of its text (or a neighbour's), and whether it is text."""
    positions = np.arange(len(packed.codes))
    text_of = np.minimum(
        np.searchsorted(packed.ends, positions, side="right"), len(packed.ends) - 1
    )
    return text_of, (positions >= packed.starts[text_of]) & (positions < packed.ends[text_of])


def _share(
    at_position: NDArray[np.float32], is_text: NDArray[np.bool_], before: int, after: int
) -> NDArray[np.float32]:
    """Spread each position's part equally over the characters of text in its window."""
    positions = len(at_position)
    padded = np.pad(is_text.astype(np.float32), (before, after))
    seen = sum(padded[j : j + positions] for j in range(before + after + 1))
    share = np.pad(at_position / np.maximum(seen, 1), (after, before))
    spread = sum(share[j : j + positions] for j in range(before + after + 1))
    return np.asarray(spread * is_text, np.float32)
